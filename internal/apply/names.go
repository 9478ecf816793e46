package apply

import (
	"bytes"
	"encoding/json"
)

// Names tells whether a spec names an object anywhere. A pod can name a Secret in a dozen
// fields, and each version of Kubernetes may add one.
func Names(spec any, object string) (bool, error) {
	text, err := json.Marshal(spec)
	return bytes.Contains(text, []byte(`"`+object+`"`)), err
}
