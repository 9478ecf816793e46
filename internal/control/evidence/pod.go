package evidence

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/holdfast-iam/holdfast/internal/control"
)

// Unset is the value of a container that lacks a field that another container has, and of
// a switch of the JVM that nobody gave.
const Unset = "unset"

// server is the container that the product runs in.
const server = "server"

// Pod flattens a pod's template:
//
//   - fields of its spec by their path in JSON, lists of things with names by the name;
//   - containers.FIELD: the values of a field over all containers, the initial ones as
//     well, each once, sorted, Unset where one lacks it;
//   - argument.NAME: system properties among the server's arguments;
//   - option.NAME: the same in the variables by which each product takes options of the Java
//     machine (JAVA_OPTS and JVM_MEM_OPTS, JAVA_OPTS_APPEND and JAVA_OPTS_KC_HEAP), -XX switches as XX.NAME, and
//     Xmx and Xms. The vendor's start script overrides some of these, and no argument.
func Pod(template corev1.PodTemplateSpec) (control.Evidence, error) {
	encoded, err := json.Marshal(template.Spec)
	if err != nil {
		return nil, fmt.Errorf("write the pod's template as JSON: %w", err)
	}
	spec := map[string]any{}
	if err := json.Unmarshal(encoded, &spec); err != nil {
		return nil, fmt.Errorf("read the pod's template: %w", err)
	}
	delete(spec, "containers")
	delete(spec, "initContainers")
	values := map[string][]string{}
	flatten(values, "", spec)
	if err := addContainers(values, slices.Concat(template.Spec.InitContainers, template.Spec.Containers)); err != nil {
		return nil, err
	}
	for _, container := range template.Spec.Containers {
		if container.Name != server {
			continue
		}
		addSwitches(values, "argument.", container.Args)
		for _, variable := range container.Env {
			switch variable.Name {
			case "JAVA_OPTS", "JVM_MEM_OPTS", "JAVA_OPTS_APPEND", "JAVA_OPTS_KC_HEAP":
				addSwitches(values, "option.", strings.Fields(variable.Value))
			}
		}
	}
	return control.Evidence{control.Pod: values}, nil
}

func addContainers(values map[string][]string, containers []corev1.Container) error {
	each := make([]map[string][]string, len(containers))
	keys := map[string]bool{}
	for i, container := range containers {
		encoded, err := json.Marshal(container)
		if err != nil {
			return fmt.Errorf("write container %s as JSON: %w", container.Name, err)
		}
		var fields any
		if err := json.Unmarshal(encoded, &fields); err != nil {
			return fmt.Errorf("read container %s: %w", container.Name, err)
		}
		each[i] = map[string][]string{}
		flatten(each[i], "containers", fields)
		for key := range each[i] {
			keys[key] = true
		}
	}
	for key := range keys {
		for _, fields := range each {
			found, there := fields[key]
			if !there {
				found = []string{Unset}
			}
			values[key] = append(values[key], found...)
		}
		slices.Sort(values[key])
		values[key] = slices.Compact(values[key])
	}
	return nil
}

func flatten(values map[string][]string, key string, value any) {
	switch value := value.(type) {
	case map[string]any:
		for name, inner := range value {
			flatten(values, strings.TrimPrefix(key+"."+name, "."), inner)
		}
	case []any:
		for _, element := range value {
			if named, ok := element.(map[string]any); ok {
				flatten(values, fmt.Sprintf("%s.%v", key, named["name"]), element)
				continue
			}
			values[key] = append(values[key], fmt.Sprint(element))
		}
	default:
		values[key] = []string{fmt.Sprint(value)}
	}
}

func addSwitches(values map[string][]string, prefix string, words []string) {
	for _, word := range words {
		name, value, _ := strings.Cut(word, "=")
		switch {
		case strings.HasPrefix(word, "-XX:+"), strings.HasPrefix(word, "-XX:-"):
			name, value = "XX."+word[len("-XX:+"):], fmt.Sprint(word[len("-XX:")] == '+')
		case strings.HasPrefix(word, "-XX:"):
			name = "XX." + strings.TrimPrefix(name, "-XX:")
		case strings.HasPrefix(word, "-D"):
			name = strings.TrimPrefix(name, "-D")
		case strings.HasPrefix(word, "-Xm"):
			name, value = word[1:len("-Xmx")], word[len("-Xmx"):]
		default:
			name = strings.TrimLeft(name, "-")
		}
		values[prefix+name] = []string{value}
	}
}
