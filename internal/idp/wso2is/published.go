package wso2is

import "strings"

// vendorName is user name, password and alias of all that the vendor ships.
const vendorName = "wso2carbon"

// published are secrets that everybody can read in the vendor's repositories and
// charts. Case is no protection.
var published = []string{
	"admin",                            // administrator, task server, endpoint user
	vendorName,                         // stores, H2 databases
	"dashboard",                        // endpoint application
	"03BAFEB27A8E871CAD83C5CD4E771DAB", // data key of the product
	"3cc0481b70794667b5bee7e2beed2de4", // data key of the chart
	"66cd9688a2ae068244ea01e70f0e230f5623b7fa4cdecb65070a09ec06452262", // hash of the endpoint application's password
}

func isPublished(value string) bool {
	for _, known := range published {
		if strings.EqualFold(value, known) {
			return true
		}
	}
	return false
}
