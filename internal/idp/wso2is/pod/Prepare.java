import java.io.IOException;
import java.io.InputStream;
import java.io.Writer;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.util.Base64;
import java.util.Collections;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.xml.XMLConstants;
import javax.xml.parsers.DocumentBuilder;
import javax.xml.parsers.DocumentBuilderFactory;
import org.wso2.config.mapper.ConfigParser;
import org.xml.sax.SAXParseException;
import org.xml.sax.helpers.DefaultHandler;

/**
 * Runs before the server, with the same files, volumes and variables: what is wrong with the
 * configuration stops the pod here, before anything listens. The server's own switch for this,
 * configParseOnly, parses and then starts all the same.
 *
 * <p>Arguments: the product's home, the trust store, the variable with its password, and the PEM
 * file to write; where there are user stores also the folder of their files, what begins the names
 * of those, and the folder to put them in. Nothing that is printed quotes a value.
 */
public final class Prepare {
    /** What the server reads first; a value that was not escaped breaks one of them. */
    private static final List<String> NEEDED = List.of(
            "carbon.xml", "user-mgt.xml", "axis2/axis2.xml", "identity/identity.xml",
            "datasources/master-datasources.xml", "tomcat/catalina-server.xml");

    private static final Pattern VARIABLE = Pattern.compile("\\$env\\{([A-Z0-9_]+)}");

    public static void main(String[] arguments) {
        Path home = Path.of(arguments[0]);
        try {
            int trusted = exportTrusted(Path.of(arguments[1]), System.getenv(arguments[2]), Path.of(arguments[3]));
            render(home);
            for (String name : NEEDED) {
                check(home.resolve("repository/conf").resolve(name));
            }
            if (arguments.length > 4) {
                resolveUserStores(Path.of(arguments[4]), arguments[5], Path.of(arguments[6]));
            }
            System.out.println("the configuration is rendered; " + trusted + " certificates are trusted");
        } catch (Exception refused) {
            System.err.println("the configuration is refused: " + refused.getMessage());
            System.exit(1);
        }
        System.exit(0);
    }

    /** Writes the trusted certificates as PEM, for the database driver that reads nothing else. */
    private static int exportTrusted(Path store, String password, Path pem) throws Exception {
        KeyStore trusted = KeyStore.getInstance("PKCS12");
        try (InputStream in = Files.newInputStream(store)) {
            trusted.load(in, password.toCharArray());
        } catch (IOException unreadable) {
            throw new IOException("the trust store does not open with its password");
        }
        int count = 0;
        Base64.Encoder lines = Base64.getMimeEncoder(64, new byte[] {'\n'});
        try (Writer out = Files.newBufferedWriter(pem)) {
            for (String alias : Collections.list(trusted.aliases())) {
                Certificate certificate = trusted.getCertificate(alias);
                if (trusted.isCertificateEntry(alias)) {
                    out.write("-----BEGIN CERTIFICATE-----\n" + lines.encodeToString(certificate.getEncoded())
                            + "\n-----END CERTIFICATE-----\n");
                    count++;
                }
            }
        }
        if (count == 0) {
            throw new IOException("the trust store trusts nothing");
        }
        return count;
    }

    /** Renders as the server's launcher does, which only warns when the file is missing. */
    private static void render(Path home) throws Exception {
        Path configuration = home.resolve("repository/conf/deployment.toml");
        if (!Files.isRegularFile(configuration)) {
            throw new IOException("deployment.toml is missing");
        }
        ConfigParser.parse(configuration.toString(), home.resolve("repository/resources/conf").toString(), home.toString());
    }

    /**
     * Writes the user stores with their accounts. The server resolves no variables in these files.
     * The variables hold values that are escaped for XML.
     */
    private static void resolveUserStores(Path ours, String prefix, Path theirs) throws Exception {
        try (DirectoryStream<Path> files = Files.newDirectoryStream(ours, prefix + "*")) {
            for (Path file : files) {
                Path resolved = theirs.resolve(file.getFileName().toString().substring(prefix.length()));
                Files.writeString(resolved, VARIABLE.matcher(Files.readString(file)).replaceAll(found -> {
                    String value = System.getenv(found.group(1));
                    if (value == null || value.isEmpty()) {
                        throw new IllegalStateException("the variable " + found.group(1) + " of a user store is missing");
                    }
                    return Matcher.quoteReplacement(value);
                }));
                check(resolved);
            }
        }
    }

    private static void check(Path file) throws Exception {
        DocumentBuilderFactory factory = DocumentBuilderFactory.newDefaultInstance();
        factory.setFeature(XMLConstants.FEATURE_SECURE_PROCESSING, true);
        factory.setFeature("http://apache.org/xml/features/disallow-doctype-decl", true);
        DocumentBuilder builder = factory.newDocumentBuilder();
        builder.setErrorHandler(new DefaultHandler());
        try {
            builder.parse(file.toFile());
        } catch (SAXParseException broken) {
            throw new IOException(file.getFileName() + " is not well formed at line " + broken.getLineNumber());
        } catch (IOException unreadable) {
            throw new IOException(file.getFileName() + " was not rendered");
        }
    }
}
