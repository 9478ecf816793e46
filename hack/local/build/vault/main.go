// Command vault is Vault's own server with one engine more.
//
// Vault's full build does not compile from published modules, and its minimal one lacks the database engine, which refuses to run as an
// external plugin. So this main adds that engine and its PostgreSQL plugin to the minimal registry and leaves the rest to Vault's command.
package main

import (
	"os"
	"reflect"
	"unsafe"

	"github.com/hashicorp/vault/builtin/logical/database"
	"github.com/hashicorp/vault/command"
	"github.com/hashicorp/vault/helper/builtinplugins"
	"github.com/hashicorp/vault/plugins/database/postgresql"
	"github.com/hashicorp/vault/sdk/logical"
)

func main() {
	register("logicalBackends", "database", logical.Factory(database.Factory))
	register("databasePlugins", "postgresql-database-plugin", builtinplugins.BuiltinFactory(postgresql.New))
	os.Exit(command.Run(os.Args[1:]))
}

// register puts a factory into one of the registry's maps. They are not exported and are written by Vault's build tags alone; a Vault that
// names or shapes them differently panics here, at its first start.
func register(kind, name string, factory any) {
	field := reflect.ValueOf(builtinplugins.Registry).Elem().FieldByName(kind)
	known := reflect.NewAt(field.Type(), unsafe.Pointer(field.UnsafeAddr())).Elem()
	entry := reflect.New(known.Type().Elem()).Elem()
	entry.FieldByName("Factory").Set(reflect.ValueOf(factory))
	known.SetMapIndex(reflect.ValueOf(name), entry)
}
