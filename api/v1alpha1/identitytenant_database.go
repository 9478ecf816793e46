package v1alpha1

// Database of the server, exactly one member.
// +kubebuilder:validation:ExactlyOneOf=postgresql;mysql;mssql
// +kubebuilder:validation:XValidation:rule="!has(self.mysql) || !has(self.mysql.credentials.vaultDatabase) || !has(self.mysql.credentials.vaultDatabase.memberOf)",message="credentials.vaultDatabase.memberOf is for postgresql, where the schema Job grants; elsewhere a person grants"
// +kubebuilder:validation:XValidation:rule="!has(self.mssql) || !has(self.mssql.credentials.vaultDatabase) || !has(self.mssql.credentials.vaultDatabase.memberOf)",message="credentials.vaultDatabase.memberOf is for postgresql, where the schema Job grants; elsewhere a person grants"
type Database struct {
	// postgresql 15 or newer.
	// +optional
	PostgreSQL *SQLDatabase `json:"postgresql,omitempty"`
	// mysql 8 or newer.
	// +optional
	MySQL *SQLDatabase `json:"mysql,omitempty"`
	// mssql 2017 or newer.
	// +optional
	MSSQL *SQLDatabase `json:"mssql,omitempty"`
}

// SQLDatabase is where the databases of the server are. Every connection uses TLS
// with a verified host name.
// +kubebuilder:validation:XValidation:rule="!has(self.credentials.vaultDatabase) || has(self.schemaOwner)",message="write schemaOwner too: accounts of credentials.vaultDatabase come and go, and cannot own the tables"
// +kubebuilder:validation:XValidation:rule="!has(self.schemaOwner) || !has(self.schemaOwner.vaultDatabase)",message="schemaOwner owns the tables and has to stay: write vaultStaticRole, vaultKV or secretRef"
type SQLDatabase struct {
	// host name or address. A name that ends in .svc (or .svc.cluster.local) is a
	// Service of the cluster: where its pods are is looked up, so peer can be left out.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-zA-Z0-9]([-a-zA-Z0-9.]*[a-zA-Z0-9])?$`
	// +kubebuilder:validation:XValidation:rule="self.matches('^[-a-zA-Z0-9.]+$') && !self.contains('..')",message="write a host name or an IPv4 address, without scheme and port"
	// +required
	Host string `json:"host"`
	// port. Default 5432 (postgresql), 3306 (mysql), 1433 (mssql).
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	// +optional
	Port int32 `json:"port,omitempty"`
	// name of the identity database.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-zA-Z][_a-zA-Z0-9]*$`
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-zA-Z][_a-zA-Z0-9]*$')",message="write a database name of letters, digits and underscores that begins with a letter"
	// +required
	Name string `json:"name"`
	// sharedName of the database for users, registry and tenants. Default: name.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-zA-Z][_a-zA-Z0-9]*$`
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-zA-Z][_a-zA-Z0-9]*$')",message="write a database name of letters, digits and underscores that begins with a letter"
	// +optional
	SharedName string `json:"sharedName,omitempty"`
	// agentName of the agent identity database, from WSO2 7.2 on. Default: name.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-zA-Z][_a-zA-Z0-9]*$`
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-zA-Z][_a-zA-Z0-9]*$')",message="write a database name of letters, digits and underscores that begins with a letter"
	// +optional
	AgentName string `json:"agentName,omitempty"`
	// ca of the database's certificate. Default: the certificates of
	// keystores.trust and the CA of issuerRef.
	// +optional
	CA *CertificateSource `json:"ca,omitempty"`
	// credentials of the role that the server uses. It needs no DDL rights when
	// schemaOwner is given.
	// +required
	Credentials DatabaseCredentialsSource `json:"credentials"`
	// schemaOwner is the role that creates the schema in a Job. Default: credentials. It has
	// to be written beside credentials.vaultDatabase, and cannot come from there.
	// +optional
	SchemaOwner *DatabaseCredentialsSource `json:"schemaOwner,omitempty"`
	// peer says where the database is, for the NetworkPolicy. Needed unless host
	// is an address or a Service.
	// +optional
	Peer *Peer `json:"peer,omitempty"`
}

// Mail is an SMTP server, always with STARTTLS.
type Mail struct {
	// host name of the server.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-zA-Z0-9]([-a-zA-Z0-9.]*[a-zA-Z0-9])?$`
	// +kubebuilder:validation:XValidation:rule="self.matches('^[-a-zA-Z0-9.]+$') && !self.contains('..')",message="write a host name or an IPv4 address, without scheme and port"
	// +required
	Host string `json:"host"`
	// port. Default 587.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	// +kubebuilder:default=587
	// +optional
	Port int32 `json:"port,omitempty"`
	// from is the sender's address.
	// +kubebuilder:validation:MinLength=3
	// +kubebuilder:validation:MaxLength=254
	// +kubebuilder:validation:Pattern=`^[a-zA-Z0-9._+-]+@[a-zA-Z0-9]([-a-zA-Z0-9.]*[a-zA-Z0-9])?$`
	// +kubebuilder:validation:XValidation:rule="self.matches('^[-a-zA-Z0-9._+]+@[-a-zA-Z0-9.]+$')",message="write a plain address such as id@acme.example"
	// +required
	From string `json:"from"`
	// credentials of the mail account.
	// +required
	Credentials CredentialsSource `json:"credentials"`
	// peer says where the mail server is, for the NetworkPolicy. Needed unless host
	// is an address or a Service.
	// +optional
	Peer *Peer `json:"peer,omitempty"`
}
