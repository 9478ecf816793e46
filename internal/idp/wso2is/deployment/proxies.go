package deployment

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// valves stand in front of every request.
type valves struct {
	RemoteIP remoteIP `toml:"remoteIpValve"`
}

// remoteIP believes the declared proxies about the address of a client. All keys have to be
// there: the template would write what is missing as an empty attribute.
type remoteIP struct {
	Enable          bool   `toml:"enable"`
	InternalProxies string `toml:"internalProxies"`
	RemoteIPHeader  string `toml:"remoteIpHeader"`
	ProtocolHeader  string `toml:"protocolHeader"`
	ProxiesHeader   string `toml:"proxiesHeader"`
	TrustedProxies  string `toml:"trustedProxies"`
}

// newValves is nil without a proxy: then nobody is believed.
func newValves(proxies []netip.Prefix) *valves {
	if len(proxies) == 0 {
		return nil
	}
	patterns := make([]string, len(proxies))
	for i, proxy := range proxies {
		patterns[i] = addresses(proxy)
	}
	return &valves{remoteIP{Enable: true, InternalProxies: strings.Join(patterns, "|"), RemoteIPHeader: "x-forwarded-for",
		ProtocolHeader: "x-forwarded-proto", ProxiesHeader: "x-forwarded-by"}}
}

// addresses is a regular expression for the addresses of an IPv4 network, and no other. A dot
// is written as a class: some readers would drop a backslash.
func addresses(network netip.Prefix) string {
	first, bits := network.Masked().Addr().As4(), network.Bits()
	octets := make([]string, len(first))
	for i, octet := range first {
		switch fixed := bits - 8*i; {
		case fixed >= 8:
			octets[i] = strconv.Itoa(int(octet))
		case fixed <= 0:
			octets[i] = "[0-9]{1,3}"
		default:
			var values []string
			for value := int(octet); value < int(octet)+1<<(8-fixed); value++ {
				values = append(values, strconv.Itoa(value))
			}
			octets[i] = fmt.Sprintf("(?:%s)", strings.Join(values, "|"))
		}
	}
	return strings.Join(octets, "[.]")
}
