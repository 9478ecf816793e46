/**
 * A fake of a database, kept in a file: the tables that it has, and every statement that it was
 * sent. A table exists from CREATE TABLE on, when the transaction is committed.
 */
final class FakeDatabase implements java.sql.Driver {
    private final java.nio.file.Path file = java.nio.file.Path.of(System.getenv("FAKE_DATABASE"));
    private final java.util.List<String> tables;
    private final java.util.List<String> sent = new java.util.ArrayList<>();
    private boolean autoCommit = true;

    FakeDatabase() throws Exception {
        tables = new java.util.ArrayList<>(java.nio.file.Files.readAllLines(file));
    }

    public java.sql.Connection connect(String url, java.util.Properties account) throws java.sql.SQLException {
        if (!account.getProperty("password").equals("right")) {
            throw new java.sql.SQLException("password authentication failed");
        }
        return fake(java.sql.Connection.class, (method, arguments) -> switch (method) {
            case "createStatement" -> fake(java.sql.Statement.class, this::statement);
            case "getMetaData" -> fake(java.sql.DatabaseMetaData.class, (m, a) ->
                    m.equals("getDatabaseProductName") ? "PostgreSQL" : m.equals("getTables") ? rows(tables) : null);
            case "getSchema" -> "public";
            case "setAutoCommit" -> autoCommit = (Boolean) arguments[0];
            case "commit" -> keep();
            default -> null;
        });
    }

    private Object statement(String method, Object[] arguments) throws Exception {
        if (method.equals("executeQuery")) {
            String table = ((String) arguments[0]).replaceAll(".* ", "");
            return rows(tables.contains(table + " with rows") ? java.util.List.of("row") : java.util.List.of());
        }
        if (method.equals("execute")) {
            String sql = ((String) arguments[0]).strip();
            sent.add(sql.replace('\n', ' '));
            if (sql.contains("FAIL")) {
                throw new java.sql.SQLException("the database refuses");
            }
            if (sql.startsWith("CREATE TABLE")) {
                tables.add(sql.replaceAll("(?s)CREATE TABLE (?:IF NOT EXISTS )?(\\w+).*", "$1").toLowerCase());
            } else if (sql.startsWith("DROP TABLE")) {
                tables.remove(sql.replaceAll(".* ", "").toLowerCase());
            }
            if (autoCommit) {
                keep();
            }
            return true;
        }
        return null;
    }

    private Object keep() throws Exception {
        java.nio.file.Files.write(file, tables);
        java.nio.file.Files.write(java.nio.file.Path.of(file + ".sent"), sent,
                java.nio.file.StandardOpenOption.CREATE, java.nio.file.StandardOpenOption.APPEND);
        sent.clear();
        return null;
    }

    private static java.sql.ResultSet rows(java.util.List<String> names) {
        java.util.Iterator<String> next = java.util.List.copyOf(names).iterator();
        String[] row = new String[1];
        return fake(java.sql.ResultSet.class, (method, arguments) -> switch (method) {
            case "next" -> {
                boolean more = next.hasNext();
                row[0] = more ? next.next() : null;
                yield more;
            }
            case "getString" -> row[0];
            default -> null;
        });
    }

    private interface Answer {
        Object to(String method, Object[] arguments) throws Exception;
    }

    @SuppressWarnings("unchecked")
    private static <T> T fake(Class<T> type, Answer answer) {
        return (T) java.lang.reflect.Proxy.newProxyInstance(FakeDatabase.class.getClassLoader(), new Class<?>[] {type},
                (proxy, method, arguments) -> answer.to(method.getName(), arguments));
    }

    public boolean acceptsURL(String url) {
        return true;
    }

    public java.sql.DriverPropertyInfo[] getPropertyInfo(String url, java.util.Properties info) {
        return new java.sql.DriverPropertyInfo[0];
    }

    public int getMajorVersion() {
        return 1;
    }

    public int getMinorVersion() {
        return 0;
    }

    public boolean jdbcCompliant() {
        return false;
    }

    public java.util.logging.Logger getParentLogger() {
        return null;
    }
}
