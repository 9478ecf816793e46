package rights

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
)

// Request is a line of the API server's audit log: a request that was answered.
type Request struct {
	Verb      string
	User      struct{ Username string }
	ObjectRef struct{ Resource, Namespace, Name, APIGroup, Subresource string }
	URI       string             `json:"requestURI"`
	Response  struct{ Code int } `json:"responseStatus"`
}

// Requests reads those requests of a user that RBAC let pass and that are about objects.
func Requests(auditLog, user string) ([]Request, error) {
	file, err := os.Open(auditLog)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var found []Request
	decoder := json.NewDecoder(bufio.NewReaderSize(file, 1<<20))
	for {
		var request Request
		err := decoder.Decode(&request)
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return found, nil // the last line may be half written
		}
		if err != nil {
			return nil, err
		}
		refused := request.Response.Code == http.StatusForbidden || request.Response.Code == http.StatusUnauthorized
		if request.User.Username == user && request.ObjectRef.Resource != "" && !refused {
			found = append(found, request)
		}
	}
}

func (r Request) resource() string {
	resource := r.ObjectRef.Resource
	if r.ObjectRef.Subresource != "" {
		resource += "/" + r.ObjectRef.Subresource
	}
	return qualified(r.ObjectRef.APIGroup, resource)
}

// verbs are what RBAC was asked for. An apply that makes the object needs create, too.
func (r Request) verbs() []string {
	if r.Verb == "patch" && r.Response.Code == http.StatusCreated {
		return []string{"patch", "create"}
	}
	return []string{r.Verb}
}

// covers tells whether a grant lets a request pass.
func (g Grant) covers(r Request, verb string) bool {
	return (g.Verb == verb || g.Verb == "*") && (g.Resource == r.resource() || g.Resource == "*") && (g.Name == "" || g.Name == r.ObjectRef.Name) &&
		(!g.inside || r.ObjectRef.Namespace != "") && (g.namespace == "" || g.namespace == r.ObjectRef.Namespace)
}

// Used tells which rights the requests needed, and which requests passed by none of them.
func Used(granted []Grant, requests []Request) (used map[Right]int, others map[string]int) {
	used, others = map[Right]int{}, map[string]int{}
	for _, request := range requests {
		for _, verb := range request.verbs() {
			if right, found := first(granted, request, verb); found {
				used[right]++
			} else {
				others[verb+" "+request.resource()]++
			}
		}
	}
	return used, others
}

func first(granted []Grant, request Request, verb string) (Right, bool) {
	for _, grant := range granted {
		if grant.covers(request, verb) {
			return grant.Right, true
		}
	}
	return Right{}, false
}
