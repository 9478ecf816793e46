package node

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/internal/idp/keycloak/layout"
)

// Names that the pods of Keycloak give their ports.
const (
	portHTTPS      = "https"
	portManagement = "management"
	portCluster    = "cluster"
	portFailure    = "failure"
)

// place is a path of a container, and where it is here.
type place struct{ there, here string }

// translate gives the command and the environment of a container, with its paths moved and
// its ports those of loopback.
func (p *pod) translate(ctx context.Context, container corev1.Container) (command, environment []string, err error) {
	root, err := p.root(container)
	if err != nil {
		return nil, nil, err
	}
	places := append(p.places(container), place{layout.Home, root}, place{"/dev/termination-log", filepath.Join(p.home(container.Name), terminationFile)})
	for _, word := range append(slices.Clone(container.Command), container.Args...) {
		command = append(command, move(word, places))
	}
	if path, err := exec.LookPath(command[0]); err == nil {
		command[0] = path
	}
	if environment, err = p.environment(ctx, container, places); err != nil {
		return nil, nil, err
	}
	environment = append(environment, "JAVA="+p.node.java())
	return command, append(environment, p.ownPorts(container)...), nil
}

func (p *pod) places(container corev1.Container) (all []place) {
	for _, mount := range container.VolumeMounts {
		if !strings.HasPrefix(mount.MountPath, layout.Home+"/") { // see root
			all = append(all, place{mount.MountPath, p.volume(mount.Name)})
		}
	}
	return all
}

// moved is a configuration file with its paths and Services where they are here. Each volume
// is mounted at one path only in these pods.
func (p *pod) moved(text string) string {
	container := p.object.Spec.Containers[0]
	text = move(text, append(p.places(container), place{layout.DataDir, p.volume("data")}))
	p.node.mu.Lock()
	defer p.node.mu.Unlock()
	for service, here := range p.node.services {
		text = strings.ReplaceAll(text, "//"+service+"/", "//"+here+"/")
	}
	return text
}

// move replaces the paths that begin with one of the places, the longest first, each once.
func move(text string, places []place) string {
	places = slices.Clone(places)
	slices.SortFunc(places, func(a, b place) int { return len(b.there) - len(a.there) })
	var moved strings.Builder
	for at := 0; at < len(text); {
		found := slices.IndexFunc(places, func(p place) bool {
			rest, ok := strings.CutPrefix(text[at:], p.there)
			return ok && (at == 0 || !isPath(text[at-1])) && (rest == "" || rest[0] == '/' || !isPath(rest[0]))
		})
		if found < 0 {
			moved.WriteByte(text[at])
			at++
			continue
		}
		moved.WriteString(places[found].here)
		at += len(places[found].there)
	}
	return moved.String()
}

func isPath(c byte) bool {
	return c == '/' || c == '.' || c == '-' || c == '_' || c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
}

func (p *pod) environment(ctx context.Context, container corev1.Container, places []place) (variables []string, err error) {
	for _, variable := range container.Env {
		value := move(variable.Value, places)
		if from := variable.ValueFrom; from != nil && from.SecretKeyRef != nil {
			secret := &corev1.Secret{}
			if err := p.node.Cluster.Get(ctx, client.ObjectKey{Namespace: p.object.Namespace, Name: from.SecretKeyRef.Name}, secret); err != nil {
				return nil, err
			}
			content, ok := secret.Data[from.SecretKeyRef.Key]
			if !ok {
				return nil, fmt.Errorf("environment variable %s: Secret %s has no key %s", variable.Name, secret.Name, from.SecretKeyRef.Key)
			}
			value = string(content)
		}
		if variable.Name == "JAVA_OPTS_APPEND" {
			value += p.javaOptions(container)
		}
		if variable.Name != layout.EnvPodAddress { // see ownPorts
			variables = append(variables, variable.Name+"="+value)
		}
	}
	return variables, nil
}

// javaOptions have a container find the Services that the node knows, and compile little: it
// lives for minutes.
func (p *pod) javaOptions(container corev1.Container) string {
	options := " -XX:TieredStopAtLevel=1 -Djdk.net.hosts.file=" + p.node.hosts()
	if len(container.Ports) > 0 {
		options += " -Djgroups.fd.port-offset=" + strconv.Itoa(p.ports[portFailure]-p.ports[portCluster])
	}
	return options
}

// ownPorts are what a pod would have an address of its own for.
func (p *pod) ownPorts(container corev1.Container) []string {
	if len(container.Ports) == 0 {
		return nil
	}
	return []string{"KC_HTTP_HOST=127.0.0.1", layout.EnvPodAddress + "=127.0.0.1", fmt.Sprintf("KC_HTTPS_PORT=%d", p.ports[portHTTPS]),
		fmt.Sprintf("KC_HTTP_MANAGEMENT_PORT=%d", p.ports[portManagement]), fmt.Sprintf("KC_CACHE_EMBEDDED_NETWORK_BIND_PORT=%d", p.ports[portCluster])}
}

func (n *Node) hosts() string { return filepath.Join(n.Folder, "hosts") }

// writeHosts writes the names that Java resolves in pods: all others it does not know.
func (n *Node) writeHosts() error {
	names := []string{"localhost"}
	if own, err := os.Hostname(); err == nil {
		names = append(names, own)
	}
	for service := range n.services {
		names = append(names, host(service))
	}
	if err := os.MkdirAll(n.Folder, 0o700); err != nil {
		return err
	}
	return os.WriteFile(n.hosts(), []byte("127.0.0.1 "+strings.Join(names, " ")+"\n"), 0o600)
}

func (n *Node) java() string { return filepath.Join(n.Folder, "java") }

// writeJava writes what stands for java in pods. kc.sh runs Java as a child of its own: where
// the system can, that child ends with kc.sh also when that is killed.
func (n *Node) writeJava() error {
	if err := n.writeHosts(); err != nil {
		return err
	}
	program := "java"
	if home := os.Getenv("JAVA_HOME"); home != "" {
		program = filepath.Join(home, "bin", "java")
	}
	path, err := exec.LookPath(program)
	if err != nil {
		return fmt.Errorf("a Java runtime is missing: run hack/make/prerequisites.sh: %w", err)
	}
	script := "#!/bin/sh\nexec '" + path + "' \"$@\"\n"
	if setpriv, err := exec.LookPath("setpriv"); err == nil {
		script = "#!/bin/sh\nexec '" + setpriv + "' --pdeathsig KILL '" + path + "' \"$@\"\n"
	}
	return os.WriteFile(n.java(), []byte(script), 0o700) //nolint:gosec // it is a program
}
