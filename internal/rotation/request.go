// Package rotation decides what is due, why, and when next. It is pure: the time is an
// argument, and nothing in it looks or writes.
package rotation

import (
	"regexp"
	"strings"

	"github.com/holdfast-iam/holdfast/internal/fault"
)

// Verb says how a material is to be rotated.
type Verb string

// The verbs of a request.
const (
	// Renew is the ordinary way, with all the overlap that the material needs.
	Renew Verb = ""
	// Leaked also distrusts what was to come next: on a tenant a fresh key is published
	// first, then signs, and the leaked one goes at once; on a Keystore it replaces the next key only.
	Leaked Verb = "leaked"
	// Drop moves a Keystore's ring and forgets the key that signed until now.
	Drop Verb = "drop"
)

// Request is what the annotation iam.holdfast.dev/rotate asks for.
type Request struct {
	// Token is the asker's choice; one that was handled once is never handled again.
	Token string
	// Materials by name. Empty: whatever the object rotates by default.
	Materials map[string]Verb
}

// maxRequest bounds an annotation that is repeated in messages and in Vault.
const maxRequest = 512

var (
	tokenPattern    = regexp.MustCompile(`^[A-Za-z0-9]([-._A-Za-z0-9]{0,126}[A-Za-z0-9])?$`)
	materialPattern = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`)
)

// ParseRequest reads "TOKEN [MATERIAL[:VERB]]...", separated by spaces, such as
// "2027-01-15 token-signing:leaked system". An empty text asks for nothing. The error is
// a Terminal fault with the given reason; it says what to write.
func ParseRequest(text, reason string) (Request, error) {
	words := strings.Fields(text)
	if len(words) == 0 {
		return Request{}, nil
	}
	if len(text) > maxRequest || !tokenPattern.MatchString(words[0]) {
		return Request{}, fault.Terminal(reason,
			"the annotation iam.holdfast.dev/rotate: write a token of letters, digits, dots, hyphens and underscores, such as a date, then perhaps materials, in at most %d characters", maxRequest)
	}
	request := Request{Token: words[0]}
	for _, word := range words[1:] {
		material, verb, _ := strings.Cut(word, ":")
		known := verb == string(Renew) || verb == string(Leaked) || verb == string(Drop)
		if !materialPattern.MatchString(material) || !known || strings.HasSuffix(word, ":") {
			return Request{}, fault.Terminal(reason,
				"the annotation iam.holdfast.dev/rotate: %.80q is no material: write names such as token-signing, with :leaked behind those that somebody else may know", word)
		}
		if request.Materials == nil {
			request.Materials = map[string]Verb{}
		}
		request.Materials[material] = Verb(verb)
	}
	return request, nil
}
