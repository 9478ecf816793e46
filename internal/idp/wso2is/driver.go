// Package wso2is drives WSO2 Identity Server 7.1 to 7.3: it renders what a server
// starts from, and speaks to a running one over its REST APIs.
//
//   - layout, text: where things are, and how a value is written for its reader;
//   - deployment, logging: deployment.toml and log4j2.properties;
//   - pod, schema: the StatefulSet and the Job that makes the tables;
//   - admin*.go, settings*.go: the running server.
package wso2is

import "github.com/holdfast-iam/holdfast/internal/idp"

// Driver is the product. It has no state.
type Driver struct{}

var _ idp.Driver = Driver{}
