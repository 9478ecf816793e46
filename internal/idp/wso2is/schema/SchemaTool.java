import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Makes the tables of the vendor's scripts in databases that have none of them. A database that has
 * them all is left alone; one that has some is refused. Run twice, it does nothing the second time;
 * run twice at once, the second waits.
 *
 * <p>The vendor's scripts begin with DROP TABLE: a DROP runs only for what the same run has made.
 *
 * <p>Arguments, four for each script: what it is for, the JDBC address, the schema or an empty
 * string, the script. The last words, for the one who started this, are a line of JSON.
 */
public final class SchemaTool {
    private static final String LOCK = "holdfast-schema";
    private static final Pattern NAME = Pattern.compile("[\\w\\[\\].\"`]+");
    private static final Pattern MAKES = Pattern.compile(
            "\\bCREATE\\s+(TABLE|SEQUENCE)\\s+(?:IF\\s+NOT\\s+EXISTS\\s+)?(" + NAME + ")", Pattern.CASE_INSENSITIVE);
    private static final Pattern DROPS = Pattern.compile(
            "\\bDROP\\s+(TABLE|SEQUENCE)\\s+(?:IF\\s+EXISTS\\s+)?(" + NAME + ")", Pattern.CASE_INSENSITIVE);
    /** A row in one of them is what a person would miss. */
    private static final List<String> VALUED = List.of("um_user", "sp_app", "idn_oauth_consumer_apps");

    private static boolean created;
    private static boolean hadData;

    public static void main(String[] arguments) throws IOException {
        String words;
        int status = 0;
        try {
            trust();
            for (int i = 0; i < arguments.length; i += 4) {
                bring(arguments[i], arguments[i + 1], arguments[i + 2], Path.of(arguments[i + 3]));
            }
            words = String.format("{\"schema\":\"%s\",\"hadData\":%b}", created ? "created" : "present", hadData);
        } catch (Exception failed) {
            words = failed.getMessage() == null ? failed.toString() : failed.getMessage().lines().findFirst().orElse("");
            status = 1;
        }
        System.out.println(words);
        Files.writeString(Path.of(System.getenv("SCHEMA_LAST_WORDS")), words);
        System.exit(status);
    }

    /** The drivers verify the server against the JVM's trust store: ours is made to be it. */
    private static void trust() {
        System.setProperty("javax.net.ssl.trustStore", System.getenv("SCHEMA_TRUST_STORE"));
        System.setProperty("javax.net.ssl.trustStoreType", "PKCS12");
        System.setProperty("javax.net.ssl.trustStorePassword", System.getenv("SCHEMA_TRUST_STORE_PASSWORD"));
    }

    private static void bring(String purpose, String url, String schema, Path script) throws Exception {
        if (!Files.isRegularFile(script)) {
            throw new IOException("the image has no " + script);
        }
        List<String> statements = split(Files.readString(script));
        Set<String> wanted = new LinkedHashSet<>();
        statements.forEach(s -> wanted.addAll(names(MAKES, s, "TABLE")));
        try (Connection database = DriverManager.getConnection(
                        url, System.getenv("SCHEMA_USERNAME"), System.getenv("SCHEMA_PASSWORD"));
                Statement sql = database.createStatement()) {
            database.setAutoCommit(false);
            lock(database, sql);
            if (!schema.isEmpty()) {
                sql.execute("CREATE SCHEMA IF NOT EXISTS \"" + schema + "\"");
            }
            Set<String> there = tables(database);
            there.retainAll(wanted);
            if (there.isEmpty()) {
                make(sql, statements);
                there = tables(database);
                there.retainAll(wanted);
                created = true;
            } else {
                lookForData(sql, there);
            }
            Set<String> missing = new TreeSet<>(wanted);
            missing.removeAll(there);
            if (!missing.isEmpty()) {
                throw new IOException(String.format("the %s database has %d of the %d tables that %s makes, %s is missing: it holds"
                        + " another version, or its making was cut short; migrate it, or empty it if nothing is in it",
                        purpose, there.size(), wanted.size(), script, missing.iterator().next()));
            }
            grant(database, sql);
            database.commit();
            System.out.printf("the %s database has its %d tables%n", purpose, wanted.size());
        } catch (SQLException failed) {
            throw new IOException("the " + purpose + " database: " + failed.getMessage());
        }
    }

    private static void make(Statement sql, List<String> statements) throws SQLException {
        Set<String> made = new HashSet<>();
        for (String statement : statements) {
            if (made.containsAll(names(DROPS, statement, ""))) {
                sql.execute(statement);
                made.addAll(names(MAKES, statement, ""));
            }
        }
    }

    private static void lookForData(Statement sql, Set<String> tables) throws SQLException {
        for (String table : VALUED) {
            if (tables.contains(table)) {
                sql.setMaxRows(1);
                try (ResultSet row = sql.executeQuery("SELECT * FROM " + table)) {
                    hadData |= row.next();
                }
                sql.setMaxRows(0);
            }
        }
    }

    /** Held until the connection or its transaction ends. */
    private static void lock(Connection database, Statement sql) throws SQLException {
        switch (database.getMetaData().getDatabaseProductName()) {
            case "PostgreSQL" -> sql.execute("SELECT pg_advisory_xact_lock(hashtext('" + LOCK + "'))");
            case "MySQL" -> sql.execute("SELECT GET_LOCK('" + LOCK + "', 600)");
            default -> sql.execute("EXEC sp_getapplock @Resource='" + LOCK + "', @LockMode='Exclusive', @LockTimeout=600000");
        }
    }

    private static Set<String> tables(Connection database) throws SQLException {
        Set<String> found = new HashSet<>();
        try (ResultSet rows = database.getMetaData().getTables(
                database.getCatalog(), database.getSchema(), "%", new String[] {"TABLE"})) {
            while (rows.next()) {
                found.add(rows.getString("TABLE_NAME").toLowerCase(Locale.ROOT));
            }
        }
        return found;
    }

    /** Lets the server's own role read and write, and no more. Elsewhere than in PostgreSQL a person does. */
    private static void grant(Connection database, Statement sql) throws SQLException {
        String role = System.getenv("SCHEMA_GRANTEE");
        if (role == null || role.equals(System.getenv("SCHEMA_USERNAME"))
                || !database.getMetaData().getDatabaseProductName().equals("PostgreSQL")) {
            return;
        }
        String to = " SCHEMA \"" + database.getSchema() + "\" TO \"" + role.replace("\"", "\"\"") + "\"";
        sql.execute("GRANT USAGE ON" + to);
        sql.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN" + to);
        sql.execute("GRANT USAGE, SELECT, UPDATE ON ALL SEQUENCES IN" + to);
    }

    private static Set<String> names(Pattern pattern, String statement, String kind) {
        Set<String> names = new LinkedHashSet<>();
        for (Matcher m = pattern.matcher(statement); m.find();) {
            if (kind.isEmpty() || kind.equalsIgnoreCase(m.group(1))) {
                String plain = m.group(2).replaceAll("[\\[\\]\"`]", "").toLowerCase(Locale.ROOT);
                names.add(plain.substring(plain.lastIndexOf('.') + 1));
            }
        }
        return names;
    }

    /** What is one token for the splitter: comments, quoted text, PostgreSQL's dollar quotes, and the ends. */
    private static final Pattern TOKEN = Pattern.compile(
            "(?<comment>--[^\\n]*|/\\*.*?\\*/)|(?<quoted>'(?:[^'\\\\]++|''|\\\\.)*+'|\"[^\"]*\"|`[^`]*`|\\$(\\w*)\\$.*?\\$\\3\\$)"
                    + "|(?<end>;|^\\h*GO\\h*$)|.",
            Pattern.DOTALL | Pattern.MULTILINE | Pattern.CASE_INSENSITIVE);

    static List<String> split(String script) {
        List<String> statements = new ArrayList<>();
        StringBuilder statement = new StringBuilder();
        Matcher tokens = TOKEN.matcher(script);
        while (tokens.find()) {
            if (tokens.group("end") != null) {
                add(statements, statement);
            } else {
                statement.append(tokens.group("comment") != null ? " " : tokens.group());
            }
        }
        add(statements, statement);
        return statements;
    }

    private static void add(List<String> statements, StringBuilder statement) {
        if (!statement.toString().isBlank()) {
            statements.add(statement.toString().strip());
        }
        statement.setLength(0);
    }
}
