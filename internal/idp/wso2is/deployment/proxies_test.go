package deployment

import (
	"net/netip"
	"regexp"
	"testing"
)

// The server believes each address of a declared network, and no neighbour of it.
func TestOnlyDeclaredProxiesAreBelieved(t *testing.T) {
	t.Parallel()
	for network, at := range map[string]struct{ inside, outside []string }{
		"10.1.0.0/16":    {[]string{"10.1.0.1", "10.1.255.254"}, []string{"10.2.0.1", "110.1.0.1", "10.1.0.1.9", "10x1x0x1"}},
		"192.168.4.0/22": {[]string{"192.168.4.1", "192.168.7.255"}, []string{"192.168.3.1", "192.168.8.1", "192.168.41.1"}},
		"10.9.8.7/32":    {[]string{"10.9.8.7"}, []string{"10.9.8.8", "10.9.8.77"}},
		"10.0.0.0/8":     {[]string{"10.255.0.1"}, []string{"11.0.0.1", "1.0.0.0"}},
		"172.16.0.0/12":  {[]string{"172.16.0.1", "172.31.9.9"}, []string{"172.15.0.1", "172.32.0.1"}},
	} {
		expression := regexp.MustCompile("^(?:" + newValves([]netip.Prefix{netip.MustParsePrefix(network)}).RemoteIP.InternalProxies + ")$")
		for _, address := range at.inside {
			if !expression.MatchString(address) {
				t.Errorf("%s: %s is not believed", network, address)
			}
		}
		for _, address := range at.outside {
			if expression.MatchString(address) {
				t.Errorf("%s: %s is believed", network, address)
			}
		}
	}
	if newValves(nil) != nil {
		t.Error("without a proxy somebody is believed")
	}
}
