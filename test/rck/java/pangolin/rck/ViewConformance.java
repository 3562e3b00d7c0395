package pangolin.rck;

import java.util.Map;
import org.apache.iceberg.catalog.Catalog;
import org.apache.iceberg.rest.RESTCatalog;
import org.apache.iceberg.view.ViewCatalogTests;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/** The tests that every Java view catalog runs, with locations in S3 as far as the client lets us choose them. */
public class ViewConformance extends ViewCatalogTests<RESTCatalog> {
  private final RESTCatalog catalog = Client.open("conformance", Map.of());
  private final String folder = Client.freshFolder();

  @BeforeEach
  void clear() {
    Client.clear(catalog);
  }

  @AfterEach
  void close() throws Exception {
    catalog.close();
  }

  @Override
  protected RESTCatalog catalog() {
    return catalog;
  }

  @Override
  protected Catalog tableCatalog() {
    return catalog;
  }

  /** Overrides what clients before 1.11 don't have: their tests name folders of this machine. */
  protected String viewLocation(String... paths) {
    return paths.length == 0 ? folder : folder + "/" + String.join("/", paths);
  }

  @Override
  protected boolean requiresNamespaceCreate() {
    return true;
  }

  @Override
  protected boolean supportsServerSideRetry() {
    return true;
  }

  @Override
  protected boolean overridesRequestedLocation() {
    return Client.has("overrides-requested-location");
  }

  @Override
  protected boolean supportsEmptyNamespace() {
    return true;
  }
}
