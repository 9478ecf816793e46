package support

import "strings"

// removed stands where something was that may be secret.
const removed = "<removed>"

// kept are the parts of a Secret that stay. Its annotations do not: kubectl keeps in one of them what it applied last,
// values included.
var kept = []string{"name", "namespace", "uid", "creationTimestamp", "deletionTimestamp", "labels", "ownerReferences", "resourceVersion"}

// redacted is the object without what may be secret, and without what only makes it long. The object is not changed.
func redacted(object map[string]any) map[string]any {
	metadata, _ := object["metadata"].(map[string]any)
	if object["kind"] == "Secret" {
		left := map[string]any{}
		for _, key := range kept {
			if value, found := metadata[key]; found {
				left[key] = value
			}
		}
		return map[string]any{"apiVersion": object["apiVersion"], "kind": "Secret", "metadata": left}
	}
	cleaned, _ := clean("", object).(map[string]any)
	return cleaned
}

// clean goes through a value that lies under the given key.
func clean(key string, value any) any {
	switch value := value.(type) {
	case map[string]any:
		if key == "annotations" {
			return annotations(value)
		}
		out := map[string]any{}
		for name, inner := range value {
			switch {
			case name == "managedFields":
			case key == "extraConfig": // whatever somebody wants in the server's configuration
				out[name] = removed
			case name == "value" && value["name"] != nil: // of an environment variable
				out[name] = removed
			default:
				out[name] = clean(name, inner)
			}
		}
		return out
	case []any:
		out := make([]any, len(value))
		for i, inner := range value {
			out[i] = clean("", inner)
		}
		return out
	}
	return value
}

// annotations of our own and of Kubernetes stay; what others keep there nobody knows.
func annotations(all map[string]any) map[string]any {
	out := map[string]any{}
	for name, value := range all {
		domain, _, _ := strings.Cut(name, "/")
		out[name] = removed
		if domain == ours || domain == "app.kubernetes.io" || domain == "cert-manager.io" {
			out[name] = value
		}
	}
	return out
}
