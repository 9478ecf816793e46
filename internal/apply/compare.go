package apply

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// firstDifference returns the path of the first field of want that live lacks or has
// otherwise, and "" when live holds all of want. What want does not say is
// nobody's business here: the API server's defaults and other managers' fields stay.
func firstDifference(want, live any, path string) string {
	switch want := want.(type) {
	case map[string]any:
		return mapDifference(want, live, path)
	case []any:
		return listDifference(want, live, path)
	default:
		if reflect.DeepEqual(number(want), number(live)) {
			return ""
		}
		return strings.TrimPrefix(path, ".")
	}
}

func mapDifference(want map[string]any, live any, path string) string {
	liveMap, ok := live.(map[string]any)
	if !ok {
		if live == nil && len(want) == 0 {
			return "" // an empty struct is not kept by the API server
		}
		return strings.TrimPrefix(path, ".")
	}
	keys := make([]string, 0, len(want))
	for key := range want {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for _, key := range keys {
		if found := firstDifference(want[key], liveMap[key], path+"."+key); found != "" {
			return found
		}
	}
	if whole(path) {
		for key := range liveMap {
			if _, ok := want[key]; !ok {
				return strings.TrimPrefix(path, ".") + "." + key
			}
		}
	}
	return ""
}

// whole tells of maps to which nobody may add: one more label in a selector, or one more
// word in a rule of a NetworkPolicy, makes it speak of other pods.
func whole(path string) bool {
	if strings.HasPrefix(path, "spec.ingress[") || strings.HasPrefix(path, "spec.egress[") {
		return true
	}
	last := path[strings.LastIndexByte(path, '.')+1:]
	return slices.Contains([]string{"selector", "podSelector", "namespaceSelector", "matchLabels"}, last)
}

// listDifference compares lists of named things by name, where others may add theirs,
// and every other list as a whole.
func listDifference(want []any, live any, path string) string {
	liveList, ok := live.([]any)
	if !ok {
		if live == nil && len(want) == 0 {
			return ""
		}
		return strings.TrimPrefix(path, ".")
	}
	if strings.TrimPrefix(path, ".") == "metadata.finalizers" {
		return setDifference(want, liveList, "metadata.finalizers") // others may add theirs
	}
	if byName, ok := indexByName(liveList); ok && len(want) > 0 {
		if wantByName, ok := indexByName(want); ok && len(wantByName) == len(want) {
			for _, item := range want {
				name := item.(map[string]any)["name"].(string)
				if found := firstDifference(item, byName[name], fmt.Sprintf("%s[%s]", path, name)); found != "" {
					return found
				}
			}
			return ""
		}
	}
	if len(want) != len(liveList) {
		return strings.TrimPrefix(path, ".")
	}
	for i := range want {
		if found := firstDifference(want[i], liveList[i], fmt.Sprintf("%s[%d]", path, i)); found != "" {
			return found
		}
	}
	return ""
}

func setDifference(want, live []any, path string) string {
	for _, item := range want {
		if !slices.Contains(live, item) {
			return path
		}
	}
	return ""
}

func indexByName(list []any) (map[string]any, bool) {
	index := make(map[string]any, len(list))
	for _, item := range list {
		named, ok := item.(map[string]any)
		if !ok {
			return nil, false
		}
		name, ok := named["name"].(string)
		if !ok {
			return nil, false
		}
		index[name] = item
	}
	return index, true
}

// number makes whole numbers of any Go type equal.
func number(value any) any {
	switch n := value.(type) {
	case int:
		return int64(n)
	case int32:
		return int64(n)
	case float64:
		if n == float64(int64(n)) {
			return int64(n)
		}
	}
	return value
}
