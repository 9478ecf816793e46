package evidence

import (
	"bytes"
	"encoding/xml"
	"strings"

	"github.com/holdfast-iam/holdfast/internal/control"
)

// UserStore reads the file of a user store, in WSO2's format. Each key has the name of the store
// before that of the property; class is what manages it. Faults: *Error for what is no such file,
// and for a property that stands there twice.
func UserStore(name string, content []byte) (File, error) {
	file := newFile(control.UserStores)
	decoder := xml.NewDecoder(bytes.NewReader(content))
	var manager struct {
		XMLName    xml.Name `xml:"UserStoreManager"`
		Class      string   `xml:"class,attr"`
		Properties []struct {
			Name  string `xml:"name,attr"`
			Value string `xml:",chardata"`
		} `xml:"Property"`
	}
	if err := decoder.Decode(&manager); err != nil {
		line, _ := decoder.InputPos()
		return File{}, &Error{Document: control.UserStores, Line: line, Message: "the file of user store " + name + " is not what the server reads: a UserStoreManager with Properties"}
	}
	file.Values[name+".class"] = []string{manager.Class}
	for _, property := range manager.Properties {
		key := name + "." + property.Name
		if _, there := file.Values[key]; there {
			return File{}, &Error{Document: control.UserStores, Message: key + " stands there twice"}
		}
		file.Values[key] = []string{strings.TrimSpace(property.Value)}
	}
	return file, nil
}
