package player

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
)

// serve carries connections: CONNECT NAME.NAMESPACE.svc:PORT reaches a ready pod of the
// tenant of that name, as its Service would.
func (p *Player) serve(ctx context.Context) {
	go func() {
		<-ctx.Done()
		_ = p.proxy.Close()
	}()
	for {
		connection, err := p.proxy.Accept()
		if err != nil {
			return
		}
		go p.carry(ctx, connection)
	}
}

func (p *Player) carry(ctx context.Context, from net.Conn) {
	defer func() { _ = from.Close() }()
	request, err := http.ReadRequest(bufio.NewReader(from))
	if err != nil || request.Method != http.MethodConnect {
		return
	}
	host, _, _ := strings.Cut(request.Host, ":")
	address, ok := p.find(host)
	if !ok {
		_, _ = io.WriteString(from, "HTTP/1.1 503 No ready pod\r\n\r\n")
		return
	}
	to, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		_, _ = io.WriteString(from, "HTTP/1.1 502 Refused\r\n\r\n")
		return
	}
	defer func() { _ = to.Close() }()
	if _, err := io.WriteString(from, "HTTP/1.1 200 Connected\r\n\r\n"); err != nil {
		return
	}
	var both sync.WaitGroup
	for _, pair := range [][2]net.Conn{{from, to}, {to, from}} {
		both.Go(func() {
			_, _ = io.Copy(pair[0], pair[1])
			_ = pair[0].Close()
		})
	}
	both.Wait()
}

// Dialer reaches servers through the proxy at an address. It only carries bytes: who the
// server is, TLS proves as ever.
func Dialer(proxy string) func(ctx context.Context, network, address string) (net.Conn, error) {
	return func(ctx context.Context, _, address string) (net.Conn, error) {
		connection, err := (&net.Dialer{}).DialContext(ctx, "tcp", proxy)
		if err != nil {
			return nil, err
		}
		if _, err := fmt.Fprintf(connection, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n\r\n", address, address); err != nil {
			_ = connection.Close()
			return nil, err
		}
		answer, err := readHead(connection)
		if err == nil && !strings.HasPrefix(answer, "HTTP/1.1 200") {
			err = fmt.Errorf("dial %s: %s", address, strings.TrimSpace(answer))
		}
		if err != nil {
			_ = connection.Close()
			return nil, err
		}
		return connection, nil
	}
}

// readHead reads the proxy's answer byte by byte, so that nothing of what follows it is
// taken from the connection.
func readHead(connection net.Conn) (string, error) {
	var head []byte
	one := make([]byte, 1)
	for !strings.HasSuffix(string(head), "\r\n\r\n") {
		if _, err := io.ReadFull(connection, one); err != nil {
			return "", err
		}
		if head = append(head, one[0]); len(head) > 1024 {
			return "", fmt.Errorf("the proxy's answer is too long")
		}
	}
	return strings.SplitN(string(head), "\r\n", 2)[0], nil
}
