package pangolin.rck;

import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;
import org.apache.hadoop.conf.Configuration;
import org.apache.iceberg.catalog.Namespace;
import org.apache.iceberg.rest.RESTCatalog;

/** Java's REST client, told no more than where the catalog is; the catalog hands out the rest. */
final class Client {
  /** What the client itself adds to the properties of new tables and views: the tests look for these. */
  private static final Map<String, String> DEFAULTS =
      Map.of(
          "table-default.default-key1", "catalog-default-key1",
          "table-default.default-key2", "catalog-default-key2",
          "table-default.override-key3", "catalog-default-key3",
          "table-override.override-key3", "catalog-override-key3",
          "table-override.override-key4", "catalog-override-key4",
          "view-default.key1", "catalog-default-key1",
          "view-default.key2", "catalog-default-key2",
          "view-default.key3", "catalog-default-key3",
          "view-override.key3", "catalog-override-key3",
          "view-override.key4", "catalog-override-key4");

  private Client() {}

  /** Opens the catalog that the system properties {@code uri}, {@code warehouse} and {@code token} name. */
  static RESTCatalog open(String name, Map<String, String> more) {
    Map<String, String> properties = new TreeMap<>(DEFAULTS);
    properties.putAll(more);
    for (String property : new String[] {"uri", "warehouse", "token"}) {
      properties.put(property, System.getProperty(property));
    }
    properties.putIfAbsent("header.X-Iceberg-Access-Delegation", "vended-credentials");
    RESTCatalog catalog = new RESTCatalog();
    catalog.setConf(new Configuration());
    catalog.initialize(name, properties);
    return catalog;
  }

  /** Whether {@code rck.<flag>} is true. */
  static boolean has(String flag) {
    return Boolean.getBoolean("rck." + flag);
  }

  /** A folder in the warehouse that nothing used before. */
  static String freshFolder() {
    return System.getProperty("rck.location") + "/" + UUID.randomUUID();
  }

  /** Drops everything in the catalog. */
  static void clear(RESTCatalog catalog) {
    clear(catalog, Namespace.empty());
  }

  private static void clear(RESTCatalog catalog, Namespace parent) {
    for (Namespace namespace : catalog.listNamespaces(parent)) {
      clear(catalog, namespace);
      catalog.listTables(namespace).forEach(table -> catalog.dropTable(table, false));
      catalog.listViews(namespace).forEach(catalog::dropView);
      catalog.dropNamespace(namespace);
    }
  }
}
