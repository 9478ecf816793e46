package standin

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"sync"
	"syscall"
)

// superTenant is the domain of the realm that every server has.
const superTenant = "carbon.super"

// State stands where the real server has its database. All pods of a tenant share it,
// in one process or through a file.
type State struct {
	mutex  sync.Mutex
	memory database
	file   string
}

// NewState is a database in memory.
func NewState() *State { return &State{} }

// FileState is a database in a file, which several processes may share.
func FileState(name string) *State { return &State{file: name} }

type database struct {
	// Realms by domain.
	Realms map[string]*realm
	// Applications of the root realm by client id; nil before the first.
	Applications map[string]application
	// Sealed is data that was encrypted with a data key, by key id.
	Sealed map[string][]byte
	// Refusals is how many new passwords are still to be refused.
	Refusals int `json:",omitempty"`
}

// realm is what a server tenant holds.
type realm struct {
	// Number counts the server tenants in the order in which they were made; 0 is the super tenant.
	Number int `json:",omitempty"`
	// Inactive server tenants are listed and not served.
	Inactive bool `json:",omitempty"`
	// Properties of the resident identity provider, of which governance connectors
	// are views. Those that nobody ever wrote are not in it.
	Properties map[string]string
	// Rules of the password by "Validator.property"; nil before the first write.
	Rules map[string]string
	// RegEx is true when Rules are regular expressions instead.
	RegEx bool
	// Configs are fields of configuration documents that somebody wrote, as "document/field".
	Configs map[string]string
	Users   map[string]*user
	Roles   map[string]*role
}

func newRealm() *realm {
	return &realm{Properties: map[string]string{}, Users: map[string]*user{}, Roles: map[string]*role{}}
}

func (r *realm) clone() *realm {
	c := *r
	c.Properties, c.Rules, c.Configs = maps.Clone(r.Properties), maps.Clone(r.Rules), maps.Clone(r.Configs)
	c.Users, c.Roles = maps.Clone(r.Users), maps.Clone(r.Roles)
	return &c
}

type user struct {
	ID string
	// Salt and Hash of the one password.
	Salt, Hash []byte
	// Locked accounts are refused with the right password too.
	Locked bool
	// Former passwords, the newest last, for the history.
	Former []hashed `json:",omitempty"`
}

type hashed struct{ Salt, Hash []byte }

type role struct {
	ID          string
	Permissions []string
	Members     map[string]bool // by user id
}

// update changes the database. What is replaced stays as it was for whoever reads it.
func (s *State) update(change func(*database) error) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.file == "" {
		return change(s.memory.ready())
	}
	lock, err := os.OpenFile(s.file+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return fmt.Errorf("locking the stand-in's database: %w", err)
	}
	var content database
	data, err := os.ReadFile(s.file)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if len(data) > 0 {
		if err := json.Unmarshal(data, &content); err != nil {
			return fmt.Errorf("reading the stand-in's database: %w", err)
		}
	}
	if err := change(content.ready()); err != nil {
		return err
	}
	return s.replace(content, data)
}

// replace writes the file whole, or not at all.
func (s *State) replace(content database, before []byte) error {
	after, err := json.Marshal(content)
	if err != nil || string(after) == string(before) {
		return err
	}
	temporary, err := os.CreateTemp(filepath.Dir(s.file), filepath.Base(s.file)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(temporary.Name())
	if _, err := temporary.Write(after); err != nil {
		return err
	}
	if err := temporary.Close(); err != nil {
		return err
	}
	return os.Rename(temporary.Name(), s.file)
}

func (d *database) ready() *database {
	if d.Realms == nil {
		d.Realms = map[string]*realm{superTenant: newRealm()}
		d.Sealed = map[string][]byte{}
	}
	return d
}

// realm returns a copy, nil when there is none.
func (s *State) realm(domain string) (found *realm, err error) {
	err = s.update(func(d *database) error {
		if r, ok := d.Realms[domain]; ok {
			found = r.clone()
		}
		return nil
	})
	return found, err
}

// SetProperty changes a governance property of a realm ("root" or a domain), as a
// person at the console would.
func (s *State) SetProperty(realm, name, value string) error {
	return s.update(func(d *database) error {
		d.Realms[domainOf(realm)].Properties[name] = value
		return nil
	})
}

// SetConfig changes a field of a configuration document, such as cors/allowAnyOrigin, as a
// person at the console would. Fields of the server's own document stand behind a slash.
func (s *State) SetConfig(realm, field, value string) error {
	return s.update(func(d *database) error {
		d.Realms[domainOf(realm)].config(field, value)
		return nil
	})
}

// Configs are all stored fields of a realm's configuration documents.
func (s *State) Configs(realm string) (map[string]string, error) {
	found, err := s.realm(domainOf(realm))
	if err != nil || found == nil {
		return nil, err
	}
	return found.Configs, nil
}

// Properties are all stored governance properties of a realm.
func (s *State) Properties(realm string) (map[string]string, error) {
	found, err := s.realm(domainOf(realm))
	if err != nil || found == nil {
		return nil, err
	}
	return found.Properties, nil
}

func domainOf(realm string) string {
	if realm == "root" {
		return superTenant
	}
	return realm
}
