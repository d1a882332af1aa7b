package pipecat

import "net"

// IsLoopback reports whether a host, without port and brackets, is this machine:
// "localhost", or an address of the loopback interface. Only to such a host may a
// key or a context go without TLS.
func IsLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
