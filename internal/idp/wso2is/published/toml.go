package published

import (
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Found is a published secret in deployment.toml.
type Found struct {
	Default
	Key string
	// Missing: the file does not have the key, so that the product's own value holds.
	Missing bool
}

// places are keys with a default of their own. Keys are as package evidence flattens them.
var places = []struct {
	key    *regexp.Regexp
	values []string
	is     Default
}{
	{regexp.MustCompile(`^super_admin\.(username|password)$`), []string{"admin"}, administrator},
	{regexp.MustCompile(`^(keystore\..+|truststore)\.(alias|password|key_password)$`), []string{Name}, keystore},
	{regexp.MustCompile(`^tasks\.server_(username|password)$`), []string{"admin"}, tasks},
	{regexp.MustCompile(`^(database|datasource)\..+\.(username|password)$`), []string{Name}, database},
	{regexp.MustCompile(`^(database|datasource)\..+\.type$`), []string{"h2"}, database},
	{regexp.MustCompile(`^identity\.auth_framework\.endpoint\.app_password$`), []string{"dashboard"}, application},
	{regexp.MustCompile(`^identity\.auth_framework\.endpoint\.(mutual_ssl_)?(username|password)$`), []string{"admin"}, endpoint},
}

// secretKey is the last part of a key whose value is a secret.
var secretKey = regexp.MustCompile(`(?i)(password|secret|passphrase|credential|salt|hash|private_?key|secret_?key|(^|\.)(old_)?key)$`)

// missing are the keys whose absence leaves a published secret in force.
var missing = map[string]Default{
	"encryption.key":                                       dataKey,
	"keystore.primary.file_name":                           keystore,
	"keystore.primary.password":                            keystore,
	"truststore.password":                                  keystore,
	"tasks.server_username":                                tasks,
	"tasks.server_password":                                tasks,
	"identity.auth_framework.endpoint.mutual_ssl_username": endpoint,
}

// SecretKey tells whether the value of a key of deployment.toml is a secret, which no
// message may quote.
func SecretKey(key string) bool { return secretKey.MatchString(key) }

// File finds every published secret in a flattened deployment.toml, those that hold
// because a key is missing included. Sorted by key.
func File(values map[string][]string) (found []Found) {
	for _, key := range slices.Sorted(maps.Keys(values)) {
		for _, value := range values[key] {
			if is, ok := at(key, value); ok {
				found = append(found, Found{Default: is, Key: key})
				break
			}
		}
	}
	for _, key := range slices.Sorted(maps.Keys(missing)) {
		if _, there := values[key]; !there {
			found = append(found, Found{Default: missing[key], Key: key, Missing: true})
		}
	}
	slices.SortStableFunc(found, func(a, b Found) int { return strings.Compare(a.Key, b.Key) })
	return found
}

func at(key, value string) (Default, bool) {
	folded := strings.ToLower(strings.TrimSpace(value))
	for _, place := range places {
		if place.key.MatchString(key) && slices.Contains(place.values, folded) {
			return place.is, true
		}
	}
	if word, ok := words[folded]; ok && SecretKey(key) {
		return word, true
	}
	return Text(value)
}
