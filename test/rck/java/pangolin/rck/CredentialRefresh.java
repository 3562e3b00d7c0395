package pangolin.rck;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.OutputStream;
import java.util.HashMap;
import java.util.Map;
import org.apache.iceberg.Schema;
import org.apache.iceberg.Table;
import org.apache.iceberg.aws.s3.S3FileIO;
import org.apache.iceberg.catalog.Namespace;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.rest.RESTCatalog;
import org.apache.iceberg.types.Types;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A job that outlives its credential gets the next one from the catalog by itself. */
public class CredentialRefresh {
  private static final Namespace SPACE = Namespace.of("long", "a b+c");
  private static final Schema SCHEMA = new Schema(Types.NestedField.required(1, "id", Types.LongType.get()));

  private final RESTCatalog catalog = Client.open("refresh", Map.of("io-impl", S3FileIO.class.getName()));

  @BeforeEach
  void clear() {
    Client.clear(catalog);
    catalog.createNamespace(Namespace.of("long"));
    catalog.createNamespace(SPACE);
  }

  @AfterEach
  void close() throws Exception {
    catalog.close();
  }

  @Test
  void fetchesANewCredentialWhenItsOwnEnds() throws Exception {
    Table table = catalog.createTable(TableIdentifier.of(SPACE, "t+1"), SCHEMA);
    Map<String, String> properties = new HashMap<>(table.io().properties());
    assertThat(Long.parseLong(properties.get("s3.session-token-expires-at-ms")))
        .isGreaterThan(System.currentTimeMillis() + 50 * 60_000);
    properties.put("s3.session-token-expires-at-ms", String.valueOf(System.currentTimeMillis() + 60_000));
    properties.put("s3.session-token", "of no more use");
    try (S3FileIO io = new S3FileIO()) {
      io.initialize(properties);
      String location = table.location() + "/data/late";
      try (OutputStream out = io.newOutputFile(location).create()) {
        out.write(7);
      }
      assertThat(io.newInputFile(location).getLength()).isEqualTo(1);
    }
  }
}
