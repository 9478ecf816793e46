package api

import "strings"

// entry is a Keystore with this one entry.
func entry(fields string) string { return "spec: {entries: [{" + fields + "}]}" }

const selfSigned = "certificate: {selfSigned: {}}"

var refusedKeystores = []refusal{
	{"the vendor's alias", entry("alias: wso2carbon, " + selfSigned), "spec.entries[0].alias", "vendor's publicly known alias: choose another"},
	{"the vendor's alias in capitals", entry("alias: WSO2Carbon, " + selfSigned), "spec.entries[0].alias", "lower-case letters, digits and hyphens"},
	{"alias that climbs in Vault", entry("alias: ../orders, " + selfSigned), "spec.entries[0].alias", "lower-case letters, digits and hyphens"},
	{"alias where the store's password lies", entry("alias: password, " + selfSigned), "spec.entries[0].alias", "choose another alias"},
	{"alias twice", `spec: {entries: [{alias: a, certificate: {selfSigned: {}}}, {alias: a, certificate: {selfSigned: {}}}]}`, "spec.entries[1]", "Duplicate value"},
	{"no entries", `spec: {entries: []}`, "spec.entries", "should have at least 1 items"},
	{"33 entries", `spec: {entries: [` + manyEntries(33) + `]}`, "spec.entries", "must have at most 32 items"},
	{"entry that is nothing", entry("alias: a"), "spec.entries[0]", "exactly one of the fields in [certificate trusted] must be set"},
	{"entry that is a key and trust at once", entry("alias: a, " + selfSigned + ", trusted: {configMapRef: {name: ca, key: ca.crt}}"), "spec.entries[0]", "exactly one of the fields in [certificate trusted] must be set"},
	{"trusted certificate with a key size", entry("alias: a, size: 3072, trusted: {configMapRef: {name: ca, key: ca.crt}}"), "spec.entries[0]", "remove them from a trusted entry"},
	{"trust from two places", entry("alias: a, trusted: {configMapRef: {name: ca, key: ca.crt}, secretRef: {name: ca, key: ca.crt}}"), "spec.entries[0].trusted", "exactly one of the fields in [configMapRef secretRef keystoreRef] must be set"},
	{"trust in the store itself", entry("alias: a, trusted: {keystoreRef: {name: orders, alias: server}}"), "<nil>", "names this Keystore itself"},
	{"RSA key too short", entry("alias: a, size: 2048, " + selfSigned), "spec.entries[0]", "an RSA key has size 3072 or 4096"},
	{"ECDSA key of an RSA size", entry("alias: a, algorithm: ECDSA, size: 3072, " + selfSigned), "spec.entries[0]", "an ECDSA key has size 256, 384 or 521"},
	{"algorithm of another age", entry("alias: a, algorithm: DSA, " + selfSigned), "spec.entries[0].algorithm", `supported values: "RSA", "ECDSA"`},
	{"certificate by an issuer and by itself", entry("alias: a, certificate: {selfSigned: {}, issuerRef: {name: ca}, dnsNames: [a.example]}"), "spec.entries[0].certificate", "exactly one of the fields in [issuerRef selfSigned] must be set"},
	{"certificate of an issuer without names", entry("alias: a, certificate: {issuerRef: {name: ca}}"), "spec.entries[0].certificate", "needs at least one entry in dnsNames"},
	{"DNS name with a space", entry("alias: a, certificate: {issuerRef: {name: ca}, dnsNames: [a.example b.example]}"), "spec.entries[0].certificate.dnsNames", "write DNS names such as id.acme.example"},
	{"DNS name that is a URL", entry("alias: a, certificate: {issuerRef: {name: ca}, dnsNames: ['https://a.example/']}"), "spec.entries[0].certificate.dnsNames", "write DNS names such as id.acme.example"},
	{"common name with another attribute", entry("alias: a, certificate: {selfSigned: {commonName: 'a, O=Vendor'}}"), "spec.entries[0].certificate.selfSigned.commonName", "write a plain name"},
	{"common name of 65 characters", entry("alias: a, certificate: {selfSigned: {commonName: " + long(65) + "}}"), "spec.entries[0].certificate.selfSigned.commonName", "may not be more than 64"},
	{"self-signed certificate that renews", entry("alias: a, certificate: {selfSigned: {}, renewBefore: 720h}"), "spec.entries[0].certificate", "renewBefore belongs to an issuer's certificate"},
	{"certificate for eleven years", entry("alias: a, certificate: {selfSigned: {}, duration: 96360h}"), "spec.entries[0].certificate", "duration must lie between 24h and 87600h"},
	{"certificate renewed before it begins", entry("alias: a, certificate: {issuerRef: {name: ca}, dnsNames: [a.example], duration: 48h, renewBefore: 72h}"), "spec.entries[0].certificate", "renewBefore must be shorter than duration"},
	{"two certificates of issuers", `spec: {entries: [{alias: a, certificate: {issuerRef: {name: ca}, dnsNames: [a.example]}}, {alias: b, certificate: {issuerRef: {name: ca}, dnsNames: [b.example]}}]}`, "spec", "make another Keystore"},
	{"eleven retired versions", `spec: {historyLimit: 11}`, "spec.historyLimit", "less than or equal to 10"},
	{"copy in another namespace", `spec: {target: {secretName: ../kube-system/x}}`, "spec.target.secretName", "should match '^[a-z0-9]"},
	{"name too long for a label", `metadata: {name: ` + long(64) + `}`, "<nil>", "at most 63 characters"},
	{"name with a dot", `metadata: {name: orders.v2}`, "<nil>", "lower-case letters, digits and hyphens"},
}

func manyEntries(n int) string {
	entries := make([]string, n)
	for i := range entries {
		entries[i] = "{alias: a" + strings.Repeat("b", i) + ", " + selfSigned + "}"
	}
	return strings.Join(entries, ", ")
}

var refusedHardeningWaivers = []refusal{
	{"control that cannot be one", `spec: {control: PWD-1}`, "spec.control", "at least 6"},
	{"control in words", `spec: {control: pwd-01}`, "spec.control", "should match"},
	{"subject that has no controls", `spec: {subject: {kind: Secret}}`, "spec.subject.kind", `supported values: "IdentityTenant", "PasswordPolicy", "LogPolicy"`},
	{"no reason", `spec: {reason: null}`, "spec.reason", "Required value"},
	{"hardly a reason", `spec: {reason: because}`, "spec.reason", "at least 10"},
	{"for ever", `spec: {expires: null}`, "spec.expires", "Required value"},
	{"a day that there is not", `spec: {expires: "2027-02-30"}`, "spec.expires", "must be of type date"},
	{"a time of day", `spec: {expires: "2027-03-31T12:00:00Z"}`, "spec.expires", "may not be more than 10"},
}

var refusedPasswordPolicies = []refusal{
	{"shorter than any profile allows", `spec: {length: {min: 6}}`, "spec.length.min", "greater than or equal to 8"},
	{"minimum above maximum", `spec: {length: {min: 40, max: 32}}`, "spec.length", "min must not exceed max"},
	{"maximum that stops passphrases", `spec: {length: {max: 12}}`, "spec.length.max", "greater than or equal to 16"},
	{"more characters of the classes than fit", `spec: {length: {max: 16}, require: {lower: 5, upper: 5, digit: 5, special: 5}}`, "spec", "lower require, or raise length.max"},
	{"more different characters than fit", `spec: {length: {max: 16}, minUnique: 20}`, "spec", "lower minUnique, or raise length.max"},
	{"minus one digit", `spec: {require: {digit: -1}}`, "spec.require.digit", "greater than or equal to 0"},
	{"no repeated character at all", `spec: {maxRepeated: 0}`, "spec.maxRepeated", "greater than or equal to 1"},
	{"hardly a history", `spec: {history: 2}`, "spec.history", "greater than or equal to 3"},
	{"age of an hour", `spec: {maxAge: 1h}`, "spec", "maxAge must lie between 24h and 9600h"},
	{"age of a day and a half", `spec: {maxAge: 36h}`, "spec", "write maxAge in whole days"},
	{"age that is a word", `spec: {maxAge: never}`, "spec.maxAge", "should match '^([0-9]{1,5}h)?"},
	{"lock under a quarter of an hour", `spec: {lockout: {duration: 5m}}`, "spec.lockout", "duration must lie between 15m and 24h"},
	{"lock of a fraction of a minute", `spec: {lockout: {duration: 15m30s}}`, "spec.lockout", "write duration in whole minutes"},
	{"lock for a time and for ever", `spec: {lockout: {duration: 30m, permanent: true}}`, "spec.lockout", "write either duration or permanent: true"},
	{"lock for ever that grows", `spec: {lockout: {permanent: true, backoffFactor: 2}}`, "spec.lockout", "remove it beside permanent: true"},
	{"a hundred attempts", `spec: {lockout: {attempts: 100}}`, "spec.lockout.attempts", "less than or equal to 10"},
}

var refusedLogPolicies = []refusal{
	{"level that logs secrets", `spec: {streams: {server: {level: TRACE}}}`, "spec.streams.server.level", `supported values: "ERROR", "WARN", "INFO", "DEBUG"`},
	{"level with a property in it", `spec: {streams: {audit: {level: "INFO\nappender.x.type = Socket"}}}`, "spec.streams.audit.level", "supported values"},
	{"format that lets records be forged", `spec: {streams: {server: {format: Raw}}}`, "spec.streams.server.format", `supported values: "JSON", "Text"`},
	{"file larger than its volume", `spec: {streams: {server: {file: {maxSize: 1000Mi}}}}`, "spec.streams.server.file", "maxSize must lie between 1Mi and 100Mi"},
	{"file of no size", `spec: {streams: {server: {file: {maxSize: big}}}}`, "spec.streams.server.file.maxSize", "should match '^[0-9]{1,5}(Ki|Mi)$'"},
	{"file kept for ever", `spec: {streams: {server: {file: {keep: 1000}}}}`, "spec.streams.server.file.keep", "less than or equal to 100"},
	{"pattern with a log4j lookup", `spec: {masking: [{name: a, pattern: "${jndi:ldap://x.example/a}"}]}`, "spec.masking[0].pattern", "write a brace only in a repetition"},
	{"pattern that reads an environment variable", `spec: {masking: [{name: a, pattern: "$env{VAULT_TOKEN}"}]}`, "spec.masking[0].pattern", "write a brace only in a repetition"},
	{"pattern that ends the layout", `spec: {masking: [{name: a, pattern: "x}{y}%m%ex{full"}]}`, "spec.masking[0].pattern", "write a brace only in a repetition"},
	{"pattern with a line break", `spec: {masking: [{name: a, pattern: "a\nappender.x.type = Socket"}]}`, "spec.masking[0].pattern", "write a pattern on one line"},
	{"pattern of 257 characters", `spec: {masking: [{name: a, pattern: ` + long(257) + `}]}`, "spec.masking[0].pattern", "may not be more than 256"},
	{"pattern without a name", `spec: {masking: [{name: "", pattern: a}]}`, "spec.masking[0].name", "at least 1 chars long"},
	{"pattern's name with a property in it", `spec: {masking: [{name: "a.type = x", pattern: a}]}`, "spec.masking[0].name", "should match '^[a-zA-Z0-9]"},
}

var refusedVaultConnections = []refusal{
	{"plain http over the network", `spec: {address: "http://vault.vault.svc:8200"}`, "spec", "write an https:// address"},
	{"plain http to a name that looks like loopback", `spec: {address: "http://127.0.0.1.attacker.example:8200"}`, "spec", "write an https:// address"},
	{"no scheme", `spec: {address: "vault.vault.svc:8200"}`, "spec", "write an https:// address"},
	{"another scheme", `spec: {address: "file:///etc/passwd"}`, "spec.address", "write scheme, host and port only"},
	{"credentials in the address", `spec: {address: "https://root:s3cret@vault.vault.svc:8200"}`, "spec.address", "write scheme, host and port only"},
	{"path in the address", `spec: {address: "https://vault.vault.svc:8200/v1/sys"}`, "spec.address", "write scheme, host and port only"},
	{"port 99999", `spec: {address: "https://vault.vault.svc:99999"}`, "spec.address", "write scheme, host and port only"},
	{"fixed token over the network", `spec: {auth: {kubernetes: null, token: {secretRef: {name: t, key: token}}}}`, "spec", "auth.token is only for a Vault on loopback over http"},
	{"CA without TLS", `spec: {address: "http://127.0.0.1:8200", ca: {configMapRef: {name: ca, key: ca.crt}}}`, "spec", "ca belongs to an https:// address"},
	{"CA from two places", `spec: {ca: {configMapRef: {name: ca, key: ca.crt}, secretRef: {name: ca, key: ca.crt}}}`, "spec.ca", "exactly one of the fields in [configMapRef secretRef] must be set"},
	{"no way to sign in", `spec: {auth: {kubernetes: null}}`, "spec.auth", "exactly one of the fields in [kubernetes appRole token] must be set"},
	{"two ways to sign in", `spec: {auth: {appRole: {roleID: x, secretIDRef: {name: x, key: x}}}}`, "spec.auth", "exactly one of the fields in [kubernetes appRole token] must be set"},
	{"role left out", `spec: {auth: {kubernetes: {role: null}}}`, "spec.auth.kubernetes.role", "Required value"},
	{"role that climbs", `spec: {auth: {kubernetes: {role: ../../sys/seal}}}`, "spec.auth.kubernetes.role", "should match '^[-._a-zA-Z0-9]+$'"},
	{"auth mount that climbs", `spec: {auth: {kubernetes: {mount: kubernetes/../../sys}}}`, "spec.auth.kubernetes.mount", "write the mount as Vault lists it"},
	{"audience with a line break", `spec: {auth: {kubernetes: {audience: "vault\nX-Vault-Token: a"}}}`, "spec.auth.kubernetes.audience", "should match '^[-._:/a-zA-Z0-9]+$'"},
	{"KV mount that climbs", `spec: {kv: {mount: secret/../auth}}`, "spec.kv.mount", "write the mount as Vault lists it"},
	{"KV prefix that climbs", `spec: {kv: {prefix: a/../b}}`, "spec.kv.prefix", "without empty or '..' segments"},
	{"KV prefix with a segment that no path of ours can have", `spec: {kv: {prefix: a/-b}}`, "spec.kv.prefix", "should match '^[a-zA-Z0-9]"},
	{"Vault namespace with a header in it", `spec: {namespace: "a\r\nX-Vault-Token: b"}`, "spec.namespace", "should match '^[a-zA-Z0-9_]"},
}

// windows is a RotationSchedule with these windows.
func windows(list string) string { return "spec: {windows: [" + list + "]}" }

const night = `{days: [Sat], start: "22:00", duration: 4h}`

var refusedRotationSchedules = []refusal{
	{"cron and every", `spec: {every: 24h}`, "spec", "write either cron or every, not both"},
	{"nothing", `spec: {cron: null}`, "spec", "write cron or every to say when rotations are due"},
	{"an empty list of windows", `spec: {cron: null, windows: []}`, "spec", "or windows alone"},
	{"six fields", `spec: {cron: "0 0 3 * * *"}`, "spec.cron", "write five fields"},
	{"a word for a cron", `spec: {cron: "@quarterly"}`, "spec.cron", "should match '^[-*/,?0-9A-Za-z ]+$'"},
	{"a time zone in the cron", `spec: {cron: "TZ=UTC 3 * * *"}`, "spec.cron", "should match '^[-*/,?0-9A-Za-z ]+$'"},
	{"a cron on two lines", `spec: {cron: "0 3 * * *\n0 4 * * *"}`, "spec.cron", "write five fields"},
	{"a cron of 129 characters", `spec: {cron: "0 3 * * ` + long(121) + `"}`, "spec.cron", "may not be more than 128"},
	{"every minute", `spec: {cron: null, every: 1m}`, "spec", "every must lie between 1h and 87600h"},
	{"every that is a word", `spec: {cron: null, every: daily}`, "spec.every", "should match '^([0-9]{1,5}h)?"},
	{"the machine's time zone", `spec: {timeZone: Local}`, "spec.timeZone", "Local is another zone on each machine"},
	{"a time zone that climbs", `spec: {timeZone: ../../etc/passwd}`, "spec.timeZone", "write a name of the IANA time zone database"},
	{"an offset for a time zone", `spec: {timeZone: "UTC+02:00"}`, "spec.timeZone", "such as Europe/Berlin or UTC"},
	{"jitter that spreads nothing", `spec: {cron: null, jitter: 1h, windows: [` + night + `]}`, "spec", "jitter spreads runs: remove it"},
	{"jitter of a month", `spec: {jitter: 720h}`, "spec", "jitter must lie between 1s and 168h"},
	{"jitter as long as the period", `spec: {cron: null, every: 24h, jitter: 24h}`, "spec", "jitter must be shorter than every"},
	{"jitter longer than a window", `spec: {jitter: 5h, windows: [` + night + `]}`, "spec", "jitter must be shorter than the duration of each window"},
	{"a window without a start", windows(`{duration: 4h}`), "spec.windows[0].start", "Required value"},
	{"a window at 24:00", windows(`{start: "24:00", duration: 4h}`), "spec.windows[0].start", "write start as HH:MM"},
	{"a window at seven", windows(`{start: "7:00", duration: 4h}`), "spec.windows[0].start", "write start as HH:MM"},
	{"a window of no length", windows(`{start: "07:00", duration: 0s}`), "spec.windows[0]", "duration must lie between 15m and 168h"},
	{"a window of a month", windows(`{start: "07:00", duration: 720h}`), "spec.windows[0]", "duration must lie between 15m and 168h"},
	{"a day in full", windows(`{days: [Monday], start: "07:00", duration: 4h}`), "spec.windows[0].days[0]", `supported values: "Mon", "Tue"`},
	{"a day twice", windows(`{days: [Mon, Mon], start: "07:00", duration: 4h}`), "spec.windows[0].days[1]", "Duplicate value"},
	{"17 windows", windows(strings.Repeat(night+", ", 16) + night), "spec.windows", "must have at most 16 items"},
}
