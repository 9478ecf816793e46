package node

import (
	"net"
	"os"
	"strings"
)

// Find tells where the server is that is called NAME.NAMESPACE.svc, or
// POD.HEADLESS.NAMESPACE.svc, as the cluster's DNS and a ready pod of the Service would.
func (n *Node) Find(name string) (address string, ok bool) {
	labels := strings.Split(name, ".")
	if len(labels) > 3 && labels[3] == "svc" {
		found := n.pod(labels[2], labels[0])
		return found.https(), found != nil
	}
	if len(labels) < 2 {
		return "", false
	}
	for _, found := range n.known() {
		if found.object.Namespace == labels[1] && found.instance() == labels[0] && found.isServer() && found.isReady() {
			return found.https(), true
		}
	}
	return "", false
}

// Kill ends the processes of a pod at once, as a power cut would, and tells whether there is
// such a pod. Its containers are started again unless the node is on Hold.
func (n *Node) Kill(namespace, name string) bool {
	found := n.pod(namespace, name)
	if found == nil {
		return false
	}
	found.kill()
	return true
}

// Starts counts the starts of a pod's containers, the initial ones too.
func (n *Node) Starts(namespace, name string) int {
	found := n.pod(namespace, name)
	if found == nil {
		return 0
	}
	found.mu.Lock()
	defer found.mu.Unlock()
	return found.started
}

// LogOf gives the end of what the server of a pod printed.
func (n *Node) LogOf(namespace, name string) string {
	found := n.pod(namespace, name)
	if found == nil {
		return ""
	}
	content, _ := os.ReadFile(found.log(found.object.Spec.Containers[0].Name)) // none yet
	return string(content[max(0, len(content)-logEnd):])
}

// logEnd is how much of a log is shown.
const logEnd = 16 << 10

func (n *Node) pod(namespace, name string) *pod {
	for _, found := range n.known() {
		if found.object.Namespace == namespace && found.object.Name == name {
			return found
		}
	}
	return nil
}

func host(address string) string {
	name, _, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	return name
}
