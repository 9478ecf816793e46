package standin

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
)

// Pages of the list of server tenants, as carbon.xml has them when nobody says otherwise.
const (
	defaultPage = 15
	longestPage = 100
)

// getTenants lists server tenants in the order in which they were made: the inactive ones too,
// and the super tenant never. A longer page than the longest is cut to it, and no filter is known.
func (s *Server) getTenants(w http.ResponseWriter, r *http.Request, _ session) {
	if r.URL.Query().Get("filter") != "" {
		failure(w, http.StatusNotImplemented, "TM-65006", "Filtering capability is not supported in this version of the API.")
		return
	}
	limit, offset, ok := paging(w, r)
	if !ok {
		return
	}
	all, err := s.state.tenants()
	if err != nil {
		failure(w, http.StatusInternalServerError, "TM-65001", "Server encountered an error while listing the tenants.")
		return
	}
	listed := all[min(offset, len(all)):min(offset+limit, len(all))]
	page := map[string]any{"totalResults": len(all), "startIndex": offset + 1, "count": len(listed), "links": links(limit, offset, len(all))}
	if len(listed) > 0 { // else there is no such field
		page["tenants"] = listed
	}
	answer(w, http.StatusOK, page)
}

func paging(w http.ResponseWriter, r *http.Request) (limit, offset int, ok bool) {
	limit = defaultPage
	for name, into := range map[string]*int{"limit": &limit, "offset": &offset} {
		text := r.URL.Query().Get(name)
		if text == "" {
			continue
		}
		number, err := strconv.Atoi(text)
		if err != nil { // what the framework says to a number that is none
			failure(w, http.StatusNotFound, "404", "HTTP 404 Not Found")
			return 0, 0, false
		}
		if number < 0 {
			failure(w, http.StatusBadRequest, "400", "Invalid "+name+" requested.")
			return 0, 0, false
		}
		*into = number
	}
	return min(limit, longestPage), offset, true
}

func links(limit, offset, total int) []map[string]string {
	found := []map[string]string{}
	link := func(rel string, at int) {
		found = append(found, map[string]string{"rel": rel, "href": fmt.Sprintf("/t/%s%s/tenants?offset=%d&limit=%d", superTenant, api, at, limit)})
	}
	if limit > 0 && offset+limit < total {
		link("next", offset+limit)
	}
	if offset > 0 {
		link("previous", max(0, offset-limit))
	}
	return found
}

// tenants are all server tenants as the list has them.
func (s *State) tenants() (listed []map[string]any, err error) {
	err = s.update(func(d *database) error {
		domains := slices.SortedFunc(maps.Keys(d.Realms), func(a, b string) int { return d.Realms[a].Number - d.Realms[b].Number })
		for _, domain := range domains {
			if domain == superTenant {
				continue
			}
			listed = append(listed, map[string]any{"id": fmt.Sprintf("00000000-0000-0000-0000-%012d", d.Realms[domain].Number), "domain": domain,
				"createdDate": "2026-01-01T00:00:00.000Z", "owners": []any{map[string]string{"username": "admin"}},
				"lifecycleStatus": map[string]bool{"activated": !d.Realms[domain].Inactive}})
		}
		return nil
	})
	return listed, err
}

// AddServerTenant makes a realm beside the root realm.
func (s *State) AddServerTenant(domain string) error {
	return s.update(func(d *database) error {
		if d.Realms[domain] == nil {
			made := newRealm()
			made.Number = 1
			for _, other := range d.Realms {
				made.Number = max(made.Number, other.Number+1)
			}
			d.Realms[domain] = made
		}
		return nil
	})
}

// RemoveServerTenant deletes a realm and all that it holds.
func (s *State) RemoveServerTenant(domain string) error {
	return s.update(func(d *database) error { delete(d.Realms, domain); return nil })
}

// DeactivateServerTenant shuts a realm: it is listed, and its paths are not served any more.
func (s *State) DeactivateServerTenant(domain string) error {
	return s.update(func(d *database) error {
		if domain == superTenant || d.Realms[domain] == nil {
			return errors.New("there is no server tenant " + domain)
		}
		d.Realms[domain].Inactive = true
		return nil
	})
}
