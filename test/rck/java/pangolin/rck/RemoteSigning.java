package pangolin.rck;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.apache.iceberg.DataFile;
import org.apache.iceberg.DataFiles;
import org.apache.iceberg.FileFormat;
import org.apache.iceberg.PartitionSpec;
import org.apache.iceberg.Schema;
import org.apache.iceberg.Table;
import org.apache.iceberg.Transaction;
import org.apache.iceberg.aws.s3.S3FileIO;
import org.apache.iceberg.catalog.Namespace;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.exceptions.ForbiddenException;
import org.apache.iceberg.io.FileInfo;
import org.apache.iceberg.io.OutputFile;
import org.apache.iceberg.io.PositionOutputStream;
import org.apache.iceberg.io.SeekableInputStream;
import org.apache.iceberg.rest.RESTCatalog;
import org.apache.iceberg.types.Types;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Java's S3FileIO without a credential: the catalog signs each of its requests. */
public class RemoteSigning {
  private static final Namespace SPACE = Namespace.of("signed", "a b+c");
  private static final Schema SCHEMA = new Schema(Types.NestedField.required(1, "id", Types.LongType.get()));
  private static final int PART_BYTES = 5 * 1024 * 1024;

  private final RESTCatalog catalog =
      Client.open(
          "signing",
          Map.of(
              "header.X-Iceberg-Access-Delegation", "remote-signing",
              "io-impl", S3FileIO.class.getName(),
              "s3.multipart.part-size-bytes", String.valueOf(PART_BYTES),
              "s3.multipart.threshold", "1.0"));

  @BeforeEach
  void clear() {
    Client.clear(catalog);
    catalog.createNamespace(Namespace.of("signed"));
    catalog.createNamespace(SPACE);
  }

  @AfterEach
  void close() throws Exception {
    catalog.close();
  }

  @Test
  void writesReadsListsAndDeletes() throws IOException {
    Table table = catalog.createTable(TableIdentifier.of(SPACE, "t+1"), SCHEMA);
    assertThat(table.io()).isInstanceOf(S3FileIO.class);
    assertThat(table.io().properties()).containsEntry("s3.remote-signing-enabled", "true");
    assertThat(table.io().properties()).doesNotContainKeys("s3.access-key-id", "s3.session-token");

    byte[] small = bytes(1000);
    byte[] large = bytes(2 * PART_BYTES + 7);
    String first = table.location() + "/data/region=a%2Fb/first file.parquet";
    String second = table.location() + "/data/second.parquet";
    write(table, first, small);
    write(table, second, large);
    assertThat(read(table, first, 0, small.length)).isEqualTo(small);
    assertThat(read(table, second, 0, large.length)).isEqualTo(large);
    assertThat(read(table, second, PART_BYTES, 3)).containsExactly(slice(large, PART_BYTES, 3));
    assertThat(read(table, second, 9, 2)).containsExactly(slice(large, 9, 2));

    DataFile file =
        DataFiles.builder(PartitionSpec.unpartitioned())
            .withPath(second)
            .withFormat(FileFormat.PARQUET)
            .withFileSizeInBytes(large.length)
            .withRecordCount(1)
            .build();
    table.newAppend().appendFile(file).commit();
    Table loaded = catalog.loadTable(TableIdentifier.of(SPACE, "t+1"));
    assertThat(loaded.currentSnapshot().addedDataFiles(loaded.io())).hasSize(1);

    S3FileIO io = (S3FileIO) loaded.io();
    assertThat(io.listPrefix(loaded.location() + "/data/")).extracting(FileInfo::location).contains(first, second);
    io.deleteFiles(List.of(first, second));
    assertThat(io.newInputFile(first).exists()).isFalse();
    io.deleteFile(loaded.currentSnapshot().manifestListLocation());
    assertThat(io.newInputFile(loaded.currentSnapshot().manifestListLocation()).exists()).isFalse();
  }

  @Test
  void writesTheFilesOfATableThatIsStillToBe() throws IOException {
    Transaction transaction = catalog.buildTable(TableIdentifier.of(SPACE, "staged+1"), SCHEMA).createTransaction();
    Table staged = transaction.table();
    String location = staged.location() + "/data/first.parquet";
    write(staged, location, bytes(10));
    DataFile file =
        DataFiles.builder(PartitionSpec.unpartitioned())
            .withPath(location)
            .withFormat(FileFormat.PARQUET)
            .withFileSizeInBytes(10)
            .withRecordCount(1)
            .build();
    transaction.newAppend().appendFile(file).commit();
    transaction.commitTransaction();
    Table created = catalog.loadTable(TableIdentifier.of(SPACE, "staged+1"));
    assertThat(created.currentSnapshot().addedDataFiles(created.io())).hasSize(1);
    assertThat(read(staged, location, 0, 10)).isEqualTo(bytes(10));
  }

  @Test
  void opensNothingOfAnotherTable() {
    Table table = catalog.createTable(TableIdentifier.of(SPACE, "mine"), SCHEMA);
    Table other = catalog.createTable(TableIdentifier.of(SPACE, "other"), SCHEMA);
    String theirs = other.location() + "/data/theirs";
    assertThatThrownBy(() -> read(table, theirs, 0, 1)).isInstanceOf(ForbiddenException.class);
    assertThatThrownBy(() -> write(table, theirs, bytes(1))).isInstanceOf(ForbiddenException.class);
  }

  private static void write(Table table, String location, byte[] content) throws IOException {
    OutputFile file = table.io().newOutputFile(location);
    try (PositionOutputStream out = file.create()) {
      out.write(content);
    }
  }

  private static byte[] read(Table table, String location, long from, int length) throws IOException {
    try (SeekableInputStream in = table.io().newInputFile(location).newStream()) {
      in.seek(from);
      return in.readNBytes(length);
    }
  }

  private static byte[] slice(byte[] bytes, int from, int length) {
    return Arrays.copyOfRange(bytes, from, from + length);
  }

  private static byte[] bytes(int length) {
    byte[] bytes = new byte[length];
    new Random(length).nextBytes(bytes);
    return bytes;
  }
}
