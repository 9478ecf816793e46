package standin

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// session is a request that was let in.
type session struct {
	// domain of the server tenant that the path names.
	domain string
	realm  *realm
	// user that signed in, and the name in its realm.
	user *user
	name string
}

// access is what a path of the API asks for.
type access int

const (
	anybody access = iota // no login at all
	people                // a login
	administrators
)

// api is where the APIs of the server's configuration begin.
const api = "/api/server/v1"

// routes serves each API under the root and under /t/{domain}.
func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/health-check/v1.0/health", s.health)
	mux.HandleFunc("GET /oauth2/jwks", s.jwks)
	mux.HandleFunc("POST /oauth2/token", s.token)
	mux.HandleFunc("GET /oauth2/token/.well-known/openid-configuration", s.discovery)
	for _, prefix := range []string{"", "/t/{domain}"} {
		handle := func(pattern string, h func(http.ResponseWriter, *http.Request, session), who access) {
			method, path, _ := strings.Cut(pattern, " ")
			mux.HandleFunc(method+" "+prefix+path, func(w http.ResponseWriter, r *http.Request) {
				if in, ok := s.admit(w, r, who); ok {
					h(w, r, in)
				}
			})
		}
		if prefix == "" {
			handle("GET "+api+"/tenants", s.getTenants, administrators)
		}
		handle("GET "+api+"/validation-rules/{field}", s.getRules, anybody) // the pages for new accounts show them
		handle("PUT "+api+"/validation-rules/{field}", s.putRules, administrators)
		handle("GET "+api+"/identity-governance/{category}", s.getCategory, administrators)
		handle("GET "+api+"/identity-governance/{category}/connectors/{connector}", s.getConnector, administrators)
		handle("PATCH "+api+"/identity-governance/{category}/connectors/{connector}", s.patchConnector, administrators)
		handle("GET "+api+"/configs", s.getConfigs, administrators)
		handle("PATCH "+api+"/configs", s.patchConfigs, administrators)
		handle("GET "+api+"/configs/{document}", s.getConfigDocument, administrators)
		handle("PATCH "+api+"/configs/{document}", s.patchConfigs, administrators)
		handle("GET /scim2/Me", s.me, people)
		handle("GET /scim2/Users", s.findUsers, administrators)
		handle("POST /scim2/Users", s.createUser, administrators)
		handle("PATCH /scim2/Users/{id}", s.patchUser, administrators)
		handle("GET /scim2/v2/Roles", s.findRoles, administrators)
		handle("POST /scim2/v2/Roles", s.createRole, administrators)
		handle("PATCH /scim2/v2/Roles/{id}", s.patchRole, administrators)
	}
	// Paths that nobody listed are closed, as [resource_access_control] has it.
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { unauthorized(w) })
	return mux
}

// admit checks the server tenant, the password, whether the account belongs there,
// and its rights, in the order of the product.
func (s *Server) admit(w http.ResponseWriter, r *http.Request, who access) (session, bool) {
	domain := r.PathValue("domain")
	if domain == superTenant {
		failure(w, http.StatusNotFound, "404", "Access to super tenant domain over tenanted URL format is restricted.")
		return session{}, false
	}
	if domain == "" {
		domain = superTenant
	}
	found, err := s.state.realm(domain)
	if err != nil || found == nil || found.Inactive {
		failure(w, http.StatusNotFound, "404", domain+" is an invalid tenant domain")
		return session{}, false
	}
	row, special := s.configuration.ruleOf(r.Method, r.URL.Path)
	if who == anybody && !special {
		return session{domain: domain, realm: s.cache.get(domain, found)}, true
	}
	in, ok := s.authenticate(r, domain, row)
	if !ok {
		unauthorized(w)
		return session{}, false
	}
	in.domain, in.realm = domain, s.cache.get(domain, found)
	if special && row.open {
		who = people
	}
	if who == administrators && !in.isAdmin(s) {
		failure(w, http.StatusForbidden, "403", "Operation is not permitted. You do not have permissions to make this request.")
		return session{}, false
	}
	return in, true
}

// authenticate checks one password, and that the account may cross into the domain.
func (s *Server) authenticate(r *http.Request, domain string, row accessRule) (session, bool) {
	name, password, ok := r.BasicAuth()
	if !ok {
		return session{}, false
	}
	home := domain
	if at := strings.LastIndex(name, "@"); at >= 0 {
		if known, _ := s.state.realm(name[at+1:]); known != nil {
			name, home = name[:at], name[at+1:]
		}
	}
	accounts, err := s.state.realm(home)
	if err != nil || accounts == nil || accounts.Users[name] == nil || !accounts.Users[name].accepts(password) {
		return session{}, false
	}
	if home != domain && !row.admits(home) {
		return session{}, false
	}
	return session{user: accounts.Users[name], name: name, realm: accounts, domain: home}, true
}

// isAdmin looks the right up where the account lives.
func (in session) isAdmin(s *Server) bool {
	for _, domain := range []string{in.domain, superTenant} {
		if r, _ := s.state.realm(domain); r != nil && r.hasRole(in.user.ID, adminRole) {
			return true
		}
	}
	return false
}

func unauthorized(w http.ResponseWriter) {
	w.Header().Set("WWW-Authenticate", `Basic realm="WSO2 Identity Server"`)
	failure(w, http.StatusUnauthorized, "401", "Unauthorized")
}

func failure(w http.ResponseWriter, status int, code, description string) {
	answer(w, status, map[string]string{"code": code, "message": http.StatusText(status), "description": description})
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

func decode(w http.ResponseWriter, r *http.Request, into any) bool {
	if err := json.NewDecoder(r.Body).Decode(into); err != nil {
		failure(w, http.StatusBadRequest, "400", "The request is no valid JSON.")
		return false
	}
	return true
}

// realmCache is why another pod's write is seen late.
type realmCache struct {
	lifetime time.Duration
	now      func() time.Time

	mutex   sync.Mutex
	entries map[string]cached
}

type cached struct {
	realm *realm
	until time.Time
}

func (c *realmCache) get(domain string, fresh *realm) *realm {
	if c.lifetime == 0 {
		return fresh
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if entry, ok := c.entries[domain]; ok && c.now().Before(entry.until) {
		return entry.realm
	}
	if c.entries == nil {
		c.entries = map[string]cached{}
	}
	c.entries[domain] = cached{fresh, c.now().Add(c.lifetime)}
	return fresh
}

// drop forgets a realm: a pod sees its own writes at once.
func (c *realmCache) drop(domain string) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	delete(c.entries, domain)
}

// write changes a realm in the database.
func (s *Server) write(domain string, change func(*realm) error) error {
	defer s.cache.drop(domain)
	return s.state.update(func(d *database) error { return change(d.Realms[domain]) })
}

// quoted takes the value out of a filter such as: userName eq "name".
func quoted(filter, attribute string) (string, bool) {
	parts := strings.SplitN(filter, " ", 3)
	if len(parts) != 3 || parts[0] != attribute || !strings.EqualFold(parts[1], "eq") {
		return "", false
	}
	value := strings.TrimSuffix(strings.TrimPrefix(parts[2], `"`), `"`)
	return strings.NewReplacer(`\"`, `"`, `\\`, `\`).Replace(value), true
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
