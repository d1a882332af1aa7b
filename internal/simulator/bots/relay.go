package bots

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"

	"pipecat-cloud-deploy/internal/simulator"
)

// Relay hands the calls of a simulated cloud on to real bots, that the framework's own
// development runner runs on this machine. The runner gets the tag of an agent's image
// as bot: in the query of a WebSocket, in the body of a call by WebRTC.
type Relay struct {
	// Runner is where it takes calls by WebSocket: /ws for those of telephones, and
	// /ws-client for the framework's frames.
	Runner *url.URL
}

var _ simulator.Calls = Relay{}

// tag is that of an image.
func tag(image string) string { return image[strings.LastIndex(image, ":")+1:] }

// WebSocket relays a call by WebSocket, byte for byte.
func (r Relay) WebSocket(w http.ResponseWriter, req *http.Request, c simulator.Call) {
	proxy := httputil.ReverseProxy{Rewrite: func(p *httputil.ProxyRequest) {
		u := *r.Runner
		u.RawQuery = url.Values{"bot": {tag(c.Image)}}.Encode()
		p.Out.URL, p.Out.Host = &u, u.Host
	}}
	proxy.ServeHTTP(w, req)
	c.End("WS_CONNECTION_CLOSED")
}

// Answer relays the offer of a call by WebRTC, whose sound does not come this way.
func (r Relay) Answer(ctx context.Context, c simulator.Call, sdp string) (string, error) {
	body := map[string]any{"bot": tag(c.Image)}
	for name, value := range c.Body {
		body[name] = value
	}
	var started struct{ SessionID string }
	if err := r.post(ctx, "/start", map[string]any{"transport": "webrtc", "body": body}, &started); err != nil {
		return "", err
	}
	var answer struct{ SDP string }
	err := r.post(ctx, "/sessions/"+url.PathEscape(started.SessionID)+"/api/offer", map[string]any{"sdp": sdp, "type": "offer"}, &answer)
	return answer.SDP, err
}

// Join is no call: the runner makes rooms only with a key of a service's.
func (Relay) Join(context.Context, simulator.Call) {}

func (r Relay) post(ctx context.Context, path string, message, answer any) error {
	data, err := json.Marshal(message)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.Runner.ResolveReference(&url.URL{Path: path}).String(), bytes.NewReader(data))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the runner's answer to %s has the status %d", path, resp.StatusCode)
	}
	return json.NewDecoder(resp.Body).Decode(answer)
}
