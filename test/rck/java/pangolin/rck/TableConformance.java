package pangolin.rck;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.apache.iceberg.HasTableOperations;
import org.apache.iceberg.Table;
import org.apache.iceberg.catalog.CatalogTests;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.exceptions.NotFoundException;
import org.apache.iceberg.rest.RESTCatalog;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The tests that every Java catalog runs, with every switch on that the kit leaves off, and locations in S3. */
public class TableConformance extends CatalogTests<RESTCatalog> {
  private final RESTCatalog catalog = Client.open("conformance", Map.of());
  private final String folder = Client.freshFolder();
  private final Map<TableIdentifier, String> locations = new HashMap<>();

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
  protected RESTCatalog initCatalog(String name, Map<String, String> properties) {
    return Client.open(name, properties);
  }

  /**
   * A location of its own for each test. A table that is being replaced gets its new files before the catalog is told that
   * it moves, and its credential opens no folder but its own: it moves to a folder in that one.
   */
  @Override
  protected String baseTableLocation(TableIdentifier identifier) {
    return locations.computeIfAbsent(
        identifier,
        table ->
            catalog.tableExists(table)
                ? catalog.loadTable(table).location() + "/moved"
                : folder + "/" + table.namespace() + "/" + table.name());
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
  protected boolean supportsNestedNamespaces() {
    return true;
  }

  @Override
  protected boolean supportsNamesWithSlashes() {
    return true;
  }

  @Override
  protected boolean supportsNamesWithDot() {
    return true;
  }

  @Override
  protected boolean supportsEmptyNamespace() {
    return true;
  }

  /**
   * The original moves the file on the disk that it shares with the server. Here it is deleted from the bucket, with the
   * table's own credential; a catalog that has it in memory may go on answering it. Clients before 1.11 have no such test.
   */
  @Test
  public void testLoadTableWithMissingMetadataFile(@TempDir Path unused) {
    catalog.createNamespace(TBL.namespace());
    Table table = catalog.buildTable(TBL, SCHEMA).create();
    String file = ((HasTableOperations) table).operations().current().metadataFileLocation();
    table.io().deleteFile(file);
    try {
      assertThat(catalog.loadTable(TBL).uuid()).isEqualTo(table.uuid());
    } catch (NotFoundException missing) {
      assertThat(missing).hasMessageContaining("Failed to open input stream for file: " + file);
    }
  }
}
