package standin

import (
	"errors"
	"net/http"
	"slices"
)

const minPassword = 8

func (s *Server) me(w http.ResponseWriter, _ *http.Request, in session) {
	answer(w, http.StatusOK, map[string]any{"id": in.user.ID, "userName": in.name})
}

func (s *Server) findUsers(w http.ResponseWriter, r *http.Request, in session) {
	name, ok := quoted(r.URL.Query().Get("filter"), "userName")
	if !ok {
		failure(w, http.StatusBadRequest, "400", "The stand-in filters by: userName eq NAME.")
		return
	}
	found := []any{}
	if u := in.realm.Users[name]; u != nil {
		found = append(found, in.realm.userView(name, u))
	}
	answer(w, http.StatusOK, map[string]any{"totalResults": len(found), "Resources": found})
}

func (r *realm) userView(name string, u *user) map[string]any {
	roles := []any{}
	for _, display := range sortedKeys(r.Roles) {
		if r.Roles[display].Members[u.ID] {
			roles = append(roles, map[string]string{"display": display, "value": r.Roles[display].ID})
		}
	}
	return map[string]any{"id": u.ID, "userName": name, "roles": roles}
}

func (s *Server) createUser(w http.ResponseWriter, r *http.Request, in session) {
	var body struct{ UserName, Password string }
	if !decode(w, r, &body) {
		return
	}
	if body.UserName == "" || len(body.Password) < minPassword {
		failure(w, http.StatusBadRequest, "invalidValue", "The password "+body.Password+" does not meet the policy.") // the real one echoes it too
		return
	}
	var view map[string]any
	err := s.write(in.domain, func(r *realm) error {
		if r.Users[body.UserName] != nil {
			return errConflict
		}
		created, err := r.addUser(body.UserName, body.Password)
		view = r.userView(body.UserName, created)
		return err
	})
	s.answerWrite(w, err, http.StatusCreated, view)
}

var (
	errConflict = errors.New("exists already")
	errMissing  = errors.New("does not exist")
)

func (s *Server) answerWrite(w http.ResponseWriter, err error, status int, view any) {
	switch {
	case errors.Is(err, errConflict):
		failure(w, http.StatusConflict, "uniqueness", "It exists already.")
	case errors.Is(err, errMissing):
		failure(w, http.StatusNotFound, "404", "It does not exist.")
	case err != nil:
		failure(w, http.StatusInternalServerError, "500", err.Error())
	default:
		answer(w, status, view)
	}
}

type patch struct {
	Operations []struct {
		Op, Path string
		Value    any
	}
}

// patchUser takes a replacement of the password and nothing else.
func (s *Server) patchUser(w http.ResponseWriter, r *http.Request, in session) {
	var body patch
	if !decode(w, r, &body) {
		return
	}
	if len(body.Operations) != 1 || body.Operations[0].Op != "replace" {
		failure(w, http.StatusBadRequest, "invalidSyntax", "The stand-in takes one operation: replace.")
		return
	}
	value, _ := body.Operations[0].Value.(map[string]any)
	password, _ := value["password"].(string)
	if len(password) < minPassword {
		failure(w, http.StatusBadRequest, "invalidValue", "The password "+password+" does not meet the policy.")
		return
	}
	err := s.write(in.domain, func(realm *realm) error {
		for name, u := range realm.Users {
			if u.ID == r.PathValue("id") {
				changed := *u
				realm.Users[name] = &changed
				return changed.setPassword(password)
			}
		}
		return errMissing
	})
	s.answerWrite(w, err, http.StatusOK, map[string]any{"id": r.PathValue("id")})
}

func (s *Server) findRoles(w http.ResponseWriter, r *http.Request, in session) {
	name, ok := quoted(r.URL.Query().Get("filter"), "displayName")
	if !ok {
		failure(w, http.StatusBadRequest, "400", "The stand-in filters by: displayName eq NAME.")
		return
	}
	found := []any{}
	if existing := in.realm.Roles[name]; existing != nil {
		found = append(found, map[string]any{"id": existing.ID, "displayName": name})
	}
	answer(w, http.StatusOK, map[string]any{"totalResults": len(found), "Resources": found})
}

func (s *Server) createRole(w http.ResponseWriter, r *http.Request, in session) {
	var body struct {
		DisplayName string
		Permissions []struct{ Value string }
		Users       []struct{ Value string }
	}
	if !decode(w, r, &body) {
		return
	}
	created := &role{ID: newID(), Members: map[string]bool{}}
	for _, p := range body.Permissions {
		created.Permissions = append(created.Permissions, p.Value)
	}
	for _, u := range body.Users {
		created.Members[u.Value] = true
	}
	err := s.write(in.domain, func(r *realm) error {
		if r.Roles[body.DisplayName] != nil {
			return errConflict
		}
		r.Roles[body.DisplayName] = created
		return nil
	})
	s.answerWrite(w, err, http.StatusCreated, map[string]any{"id": created.ID, "displayName": body.DisplayName})
}

// patchRole takes an addition of members and nothing else.
func (s *Server) patchRole(w http.ResponseWriter, r *http.Request, in session) {
	var body patch
	if !decode(w, r, &body) {
		return
	}
	if len(body.Operations) != 1 || body.Operations[0].Op != "add" || body.Operations[0].Path != "users" {
		failure(w, http.StatusBadRequest, "invalidSyntax", "The stand-in takes one operation: add users.")
		return
	}
	members, _ := body.Operations[0].Value.([]any)
	err := s.write(in.domain, func(realm *realm) error {
		names := sortedKeys(realm.Roles)
		i := slices.IndexFunc(names, func(name string) bool { return realm.Roles[name].ID == r.PathValue("id") })
		if i < 0 {
			return errMissing
		}
		for _, member := range members {
			reference, _ := member.(map[string]any)
			id, _ := reference["value"].(string)
			realm.addMember(names[i], id)
		}
		return nil
	})
	s.answerWrite(w, err, http.StatusOK, map[string]any{"id": r.PathValue("id")})
}
