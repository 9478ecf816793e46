package standin

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"maps"
	"slices"
)

// adminRole has every right.
const adminRole = "admin"

// start does what a start does to the database: the first one makes the
// administrator, and every one has to be able to read what is encrypted in it.
func (s *State) start(c configuration) error {
	return s.update(func(d *database) error {
		if err := d.openSealed(c.text("encryption.key"), c.text("encryption.old_key")); err != nil {
			return err
		}
		root := d.Realms[superTenant]
		name := c.text("super_admin.username")
		create, declared := c.values["super_admin.create_admin_account"].(bool)
		if root.Users[name] != nil || declared && !create {
			return nil // the password in deployment.toml has no effect any more
		}
		created, err := root.addUser(name, c.text("super_admin.password"))
		if err != nil {
			return err
		}
		root.addMember(adminRole, created.ID)
		return nil
	})
}

func (r *realm) addUser(name, password string) (*user, error) {
	created := &user{ID: newID()}
	if err := created.setPassword(password); err != nil {
		return nil, err
	}
	r.Users[name] = created
	return created, nil
}

// addMember replaces the role, for others may be reading the one that was.
func (r *realm) addMember(name, id string) {
	changed := role{ID: newID()}
	if r.Roles[name] != nil {
		changed = *r.Roles[name]
	}
	changed.Members = maps.Clone(changed.Members)
	if changed.Members == nil {
		changed.Members = map[string]bool{}
	}
	changed.Members[id] = true
	r.Roles[name] = &changed
}

func (r *realm) hasRole(id, name string) bool {
	return r.Roles[name] != nil && r.Roles[name].Members[id]
}

func (u *user) setPassword(password string) error {
	if u.Hash != nil {
		u.Former = append(slices.Clone(u.Former), hashed{u.Salt, u.Hash})
	}
	salt := make([]byte, 16)
	_, _ = rand.Read(salt)
	hash, err := derive(password, salt)
	u.Salt, u.Hash = salt, hash
	return err
}

// used tells whether a password is among the last so many of the account, the present
// one included.
func (u *user) used(password string, last int) bool {
	all := append(slices.Clone(u.Former), hashed{u.Salt, u.Hash})
	for _, one := range all[max(0, len(all)-last):] {
		hash, err := derive(password, one.Salt)
		if err == nil && subtle.ConstantTimeCompare(hash, one.Hash) == 1 {
			return true
		}
	}
	return false
}

func (u *user) accepts(password string) bool {
	hash, err := derive(password, u.Salt)
	return err == nil && !u.Locked && subtle.ConstantTimeCompare(hash, u.Hash) == 1
}

// derive costs little: this guards tests, not people.
func derive(password string, salt []byte) ([]byte, error) {
	return pbkdf2.Key(sha256.New, password, salt, 1000, 32)
}

// LockAccount locks an account of the root realm, or unlocks it.
func (s *State) LockAccount(name string, locked bool) error {
	return s.update(func(d *database) error {
		found := d.Realms[superTenant].Users[name]
		if found == nil {
			return errors.New("there is no account " + name)
		}
		changed := *found
		changed.Locked = locked
		d.Realms[superTenant].Users[name] = &changed
		return nil
	})
}

// SetPassword gives an account of the root realm its one password.
func (s *State) SetPassword(name, password string) error {
	return s.update(func(d *database) error {
		found := d.Realms[superTenant].Users[name]
		if found == nil {
			return errors.New("there is no account " + name)
		}
		changed := *found
		d.Realms[superTenant].Users[name] = &changed
		return changed.setPassword(password)
	})
}

// RefusePasswords makes the product refuse the next new passwords, whatever they are.
func (s *State) RefusePasswords(number int) error {
	return s.update(func(d *database) error { d.Refusals = number; return nil })
}

// Login tells what a login with a password of the root realm would come to.
func (s *State) Login(name, password string) (in bool, err error) {
	found, err := s.realm(superTenant)
	if err != nil || found == nil || found.Users[name] == nil {
		return false, err
	}
	return found.Users[name].accepts(password), nil
}

// StartAnew is an account of a database that began anew: it has one password and no history.
func (s *State) StartAnew(name, password string) error {
	return s.update(func(d *database) error {
		found := d.Realms[superTenant].Users[name]
		if found == nil {
			return errors.New("there is no account " + name)
		}
		fresh := user{ID: found.ID}
		d.Realms[superTenant].Users[name] = &fresh
		return fresh.setPassword(password)
	})
}

const sealedText = "sealed by the stand-in"

// openSealed opens all that earlier starts encrypted, with the key or its one
// predecessor, and leaves something that is encrypted with the key.
func (d *database) openSealed(key, old string) error {
	for id, data := range d.Sealed {
		opened := false
		for _, candidate := range []string{key, old} {
			opened = opened || candidate != "" && id == keyID(candidate) && unseal(candidate, data)
		}
		if !opened {
			return refusal("data is encrypted under the key with id %s, which is neither encryption.key nor encryption.old_key: it would be lost", id)
		}
	}
	if _, ok := d.Sealed[keyID(key)]; ok {
		return nil
	}
	aead, err := aeadOf(key)
	if err != nil {
		return err
	}
	nonce := make([]byte, aead.NonceSize())
	_, _ = rand.Read(nonce)
	d.Sealed[keyID(key)] = aead.Seal(nonce, nonce, []byte(sealedText), nil)
	return nil
}

func unseal(key string, data []byte) bool {
	aead, err := aeadOf(key)
	if err != nil || len(data) < aead.NonceSize() {
		return false
	}
	text, err := aead.Open(nil, data[:aead.NonceSize()], data[aead.NonceSize():], nil)
	return err == nil && string(text) == sealedText
}

func aeadOf(key string) (cipher.AEAD, error) {
	decoded, err := hex.DecodeString(key)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(decoded)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

func keyID(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:4])
}

func newID() string {
	id := make([]byte, 16)
	_, _ = rand.Read(id)
	return hex.EncodeToString(id)
}

// ForgetSealed is what a person does who ran the product's re-encryption: only what is
// encrypted with the given key stays.
func (s *State) ForgetSealed(key string) error {
	return s.update(func(d *database) error {
		for id := range d.Sealed {
			if id != keyID(key) {
				delete(d.Sealed, id)
			}
		}
		return nil
	})
}
