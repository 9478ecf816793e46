package main

import (
	_ "embed"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"
)

//go:embed static/kinds.yaml
var kinds []byte

// shown is what a console shows of a kind.
type shown struct {
	DisplayName string `json:"displayName"`
	// Internal kinds are not offered for making.
	Internal  bool     `json:"internal"`
	Resources []string `json:"resources"`
	Spec      []field  `json:"spec"`
	Status    []field  `json:"status"`
}

type field struct {
	Path        string   `json:"path"`
	DisplayName string   `json:"displayName"`
	X           []string `json:"x"`
}

// ownedKinds describes each definition, by static/kinds.yaml and the definition's schema.
func ownedKinds(definitions map[string]map[string]any) (owned []any, internal []string, err error) {
	known := map[string]shown{}
	if err := yaml.UnmarshalStrict(kinds, &known); err != nil {
		return nil, nil, fmt.Errorf("static/kinds.yaml: %w", err)
	}
	for _, kind := range slices.Sorted(maps.Keys(definitions)) {
		this, ok := known[kind]
		if !ok {
			return nil, nil, fmt.Errorf("static/kinds.yaml does not say what a console shows of %s", kind)
		}
		delete(known, kind)
		one, err := ownedKind(definitions[kind], kind, this)
		if err != nil {
			return nil, nil, fmt.Errorf("static/kinds.yaml: %s: %w", kind, err)
		}
		owned = append(owned, one)
		if this.Internal {
			internal = append(internal, one["name"].(string))
		}
	}
	for kind := range known {
		return nil, nil, fmt.Errorf("static/kinds.yaml has %s, which config/crd does not have", kind)
	}
	return owned, internal, nil
}

func ownedKind(definition map[string]any, kind string, this shown) (map[string]any, error) {
	version := definition["spec"].(map[string]any)["versions"].([]any)[0].(map[string]any)
	schema := version["schema"].(map[string]any)["openAPIV3Schema"].(map[string]any)
	var resources []any
	for _, name := range this.Resources {
		slash := strings.LastIndex(name, "/")
		resources = append(resources, map[string]any{"kind": name[slash+1:], "name": "", "version": name[strings.LastIndex(name[:slash], "/")+1 : slash]})
	}
	inSpec, err := descriptors(schema, "spec", this.Spec)
	if err != nil {
		return nil, err
	}
	inStatus, err := descriptors(schema, "status", this.Status)
	if err != nil {
		return nil, err
	}
	one := map[string]any{
		"name": definition["metadata"].(map[string]any)["name"], "kind": kind, "version": version["name"], "displayName": this.DisplayName,
		"description": firstSentence(schema["description"]), "specDescriptors": inSpec, "statusDescriptors": inStatus,
	}
	if resources != nil {
		one["resources"] = resources
	}
	return one, nil
}

func descriptors(schema map[string]any, part string, fields []field) (list []any, err error) {
	for _, one := range fields {
		text, err := descriptionOf(schema, part+"."+one.Path)
		if err != nil {
			return nil, err
		}
		var widgets []any
		for _, widget := range one.X {
			widgets = append(widgets, "urn:alm:descriptor:"+widget)
		}
		list = append(list, map[string]any{"path": one.Path, "displayName": one.DisplayName, "description": text, "x-descriptors": widgets})
	}
	return list, nil
}

// descriptionOf a field. That of a reference's name is the reference's: the name itself says nothing.
func descriptionOf(schema map[string]any, path string) (string, error) {
	at, text := schema, ""
	words := strings.Split(path, ".")
	for i, word := range words {
		properties, _ := at["properties"].(map[string]any)
		next, ok := properties[word].(map[string]any)
		if !ok {
			return "", fmt.Errorf("there is no field %s", strings.Join(words[:i+1], "."))
		}
		if own := firstSentence(next["description"]); own != "" && !(word == "name" && strings.HasSuffix(words[i-1], "Ref")) {
			text = own
		}
		at = next
	}
	return text, nil
}

var sentence = regexp.MustCompile(`(?s)^(.*?[.])(\s|$)`)

func firstSentence(description any) string {
	text, _ := description.(string)
	text = strings.Join(strings.Fields(text), " ")
	if found := sentence.FindStringSubmatch(text); found != nil {
		return found[1]
	}
	return text
}
