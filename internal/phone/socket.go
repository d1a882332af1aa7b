package phone

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/coder/websocket"

	"pipecat-cloud-deploy/internal/pipecat"
)

const (
	maxMessage = 1 << 20          // bytes of one message
	writeLimit = 10 * time.Second // for one message, after which the network is taken for broken
	closeLimit = 300 * time.Millisecond
)

// Endpoint is where an agent's WebSocket is.
type Endpoint struct {
	// URL is wss, or ws to this machine.
	URL *url.URL
	// Token is that of a session, which is good for one call. Empty where the agent
	// asks for none.
	Token string
	// Body is what the agent is to get as its body; nil: none.
	Body map[string]any
	// Transport carries the handshake; nil means http.DefaultTransport.
	Transport http.RoundTripper
}

// GenericURL is where the platform relays a WebSocket to an agent that asks for no
// token, given the API's address.
//
// https://docs.pipecat.ai/pipecat-cloud/guides/generic-websocket
func GenericURL(api *url.URL, region, agent, organization string) *url.URL {
	u := &url.URL{Scheme: "wss", Host: region + "." + api.Host}
	if pipecat.IsLoopback(api.Hostname()) {
		u.Host = api.Host
		if api.Scheme == "http" {
			u.Scheme = "ws"
		}
	}
	return u.JoinPath("ws", "generic", url.PathEscape(agent+"."+organization))
}

// socket is a WebSocket to an agent.
type socket struct {
	conn *websocket.Conn
	host string
}

func (e Endpoint) dial(ctx context.Context) (*socket, error) {
	if e.URL.Scheme != "wss" && (e.URL.Scheme != "ws" || !pipecat.IsLoopback(e.URL.Hostname())) {
		return nil, &Error{Problem: Refused, Host: e.URL.Host, Err: errors.New("its address is not wss, so that others could listen")}
	}
	conn, resp, err := websocket.Dial(ctx, e.address().String(), &websocket.DialOptions{HTTPClient: &http.Client{
		Transport:     e.Transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}})
	switch {
	case err == nil:
		conn.SetReadLimit(maxMessage)
		return &socket{conn, e.URL.Host}, nil
	case ctx.Err() != nil:
		return nil, &Error{Problem: cancelled(ctx), Host: e.URL.Host, Err: ctx.Err()}
	case resp != nil:
		return nil, &Error{Problem: Refused, Host: e.URL.Host, Status: resp.StatusCode}
	}
	if inner := (*url.Error)(nil); errors.As(err, &inner) {
		err = inner.Err // without the address, which has the token
	}
	return nil, &Error{Problem: Unreachable, Host: e.URL.Host, Err: reason(err)}
}

// reason is an error without the addresses of the two machines.
func reason(err error) error {
	if of := (*net.OpError)(nil); errors.As(err, &of) && of.Err != nil {
		return of.Err
	}
	return err
}

// address has the token as its last segment, and the body as the platform encodes it.
//
// https://docs.pipecat.ai/pipecat-cloud/guides/websocket-authentication
func (e Endpoint) address() *url.URL {
	u := *e.URL
	if e.Token != "" {
		u = *u.JoinPath(url.PathEscape(e.Token))
	}
	if len(e.Body) > 0 && e.Token != "" {
		body, _ := json.Marshal(e.Body) // which was read from JSON
		u.RawQuery = url.Values{"body": {base64.StdEncoding.EncodeToString(body)}}.Encode()
	}
	return &u
}

// cancelled is the problem of a call whose context is done.
func cancelled(ctx context.Context) Problem {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return Unreachable
	}
	return Cancelled
}

// write sends a message. One that the network does not take in time ends the call.
func (s *socket) write(ctx context.Context, kind websocket.MessageType, message []byte) error {
	limited, cancel := context.WithTimeout(ctx, writeLimit)
	defer cancel()
	if err := s.conn.Write(limited, kind, message); err != nil {
		return s.failed(ctx, err)
	}
	return nil
}

func (s *socket) read(ctx context.Context) (websocket.MessageType, []byte, error) {
	kind, message, err := s.conn.Read(ctx)
	if err != nil {
		return kind, nil, s.failed(ctx, err)
	}
	return kind, message, nil
}

// failed is how a call ended. The words of a close are the agent's, and are left out.
// A connection that is reset is lost, and no agent's hanging up: whatever is between the
// two may reset it.
func (s *socket) failed(ctx context.Context, err error) error {
	code := websocket.CloseStatus(err)
	switch {
	case code != -1:
		return &HangUp{Code: int(code)}
	case ctx.Err() != nil:
		return &Error{Problem: Cancelled, Host: s.host, Err: ctx.Err()}
	case errors.Is(err, websocket.ErrMessageTooBig):
		return &Error{Problem: Unsuitable, Host: s.host, Err: fmt.Errorf("a message has more than %d bytes", maxMessage)}
	case errors.Is(err, io.EOF):
		return &HangUp{Code: Wordless}
	}
	return &Error{Problem: Broken, Host: s.host, Err: reason(err)}
}

// hangUp closes the socket. An agent that does not answer is not waited for.
func (s *socket) hangUp(ctx context.Context) {
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		_ = s.conn.Close(websocket.StatusNormalClosure, "")
	}()
	timer := time.NewTimer(closeLimit)
	defer timer.Stop()
	select {
	case <-closed:
	case <-timer.C:
	case <-ctx.Done():
	}
	_ = s.conn.CloseNow()
}
