package standin

import (
	"errors"
	"net/http"
	"slices"
)

// schemaAccount is the extension with the state of an account.
const schemaAccount = "urn:scim:wso2:schema"

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
	view := map[string]any{"id": u.ID, "userName": name, "roles": roles}
	if u.Locked {
		view[schemaAccount] = map[string]string{"accountLocked": "true"} // text, as the real one has it
	}
	return view
}

func (s *Server) createUser(w http.ResponseWriter, r *http.Request, in session) {
	var body struct{ UserName, Password string }
	if !decode(w, r, &body) {
		return
	}
	if body.UserName == "" {
		failure(w, http.StatusBadRequest, "invalidValue", "The user name is missing.")
		return
	}
	if s.refused(w, body.Password) {
		return
	}
	var view map[string]any
	err := s.write(in.domain, func(r *realm) error {
		if r.Users[body.UserName] != nil {
			return errConflict
		}
		if !r.permits(nil, body.Password) {
			return refusedPassword(body.Password)
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

// refused answers for a password that RefusePasswords has the server refuse.
func (s *Server) refused(w http.ResponseWriter, password string) bool {
	refuses, err := s.state.refuses()
	if err == nil && refuses {
		err = refusedPassword(password)
	}
	if err != nil {
		s.answerWrite(w, err, 0, nil)
	}
	return err != nil
}

func (s *Server) answerWrite(w http.ResponseWriter, err error, status int, view any) {
	var refused refusedPassword
	switch {
	case errors.As(err, &refused):
		failure(w, http.StatusBadRequest, "invalidValue", refused.Error())
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

// patchUser takes a replacement of the password, of the lock, or of both, and nothing else.
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
	password, replaces := value["password"].(string)
	account, _ := value[schemaAccount].(map[string]any)
	locked, locks := account["accountLocked"].(bool)
	if !replaces && !locks {
		failure(w, http.StatusBadRequest, "invalidSyntax", "The stand-in replaces the password and the lock.")
		return
	}
	if replaces && s.refused(w, password) {
		return
	}
	err := s.write(in.domain, func(realm *realm) error {
		for name, u := range realm.Users {
			if u.ID != r.PathValue("id") {
				continue
			}
			if replaces && !realm.permits(u, password) {
				return refusedPassword(password)
			}
			changed := *u
			realm.Users[name] = &changed
			if locks {
				changed.Locked = locked
			}
			if replaces {
				return changed.setPassword(password)
			}
			return nil
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
