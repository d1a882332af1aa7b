package bots

import (
	"context"
	"fmt"
	"net/http"

	"pipecat-cloud-deploy/internal/simulator"
)

// Switchboard takes the calls of a simulated cloud: each is the bot's that the tag of
// its image names, or else that of Bots' first. The zero Switchboard is ready.
type Switchboard struct {
	// Peer is where calls by WebRTC are taken.
	Peer Peer
	// Twilio has WebSockets speak the media streams of Twilio; else they speak the
	// framework's frames.
	Twilio bool
}

var _ simulator.Calls = (*Switchboard)(nil)

// botOf is the bot of a call.
func botOf(c simulator.Call) Bot {
	for _, b := range Bots() {
		if b.Name == tag(c.Image) {
			return b
		}
	}
	return Bots()[0]
}

// run has a bot take a call, and prints what the platform's base image does.
func run(c simulator.Call, status string, talk func(Bot)) {
	b := botOf(c)
	c.Log("INFO", fmt.Sprintf("Starting bot session with metadata: {\"session_id\": %q}", c.Session))
	talk(b)
	if b.Raises != "" {
		c.Log("ERROR", "Exception running bot(): "+b.Raises)
	}
	c.Log("INFO", fmt.Sprintf("Stopping bot session with metadata: {\"session_id\": %q}", c.Session))
	c.End(status)
}

// WebSocket answers a call by WebSocket.
func (s *Switchboard) WebSocket(w http.ResponseWriter, r *http.Request, c simulator.Call) {
	run(c, "WS_CONNECTION_CLOSED", func(b Bot) {
		if s.Twilio {
			b.ServeTwilio(w, r, nil)
		} else {
			b.ServeWebSocket(w, r)
		}
	})
}

// Answer answers a call by WebRTC.
func (s *Switchboard) Answer(ctx context.Context, c simulator.Call, sdp string) (answer string, err error) {
	answered := make(chan error)
	go run(c, "HTTP_COMPLETED", func(b Bot) {
		over := make(chan struct{})
		answer, err = b.Answer(ctx, s.Peer, sdp, nil, func() { close(over) })
		close(answered)
		if err == nil {
			<-over
		}
	})
	<-answered
	return answer, err
}

// Join waits in a room that nobody enters.
func (s *Switchboard) Join(ctx context.Context, c simulator.Call) {
	run(c, "HTTP_COMPLETED", func(b Bot) {
		if b.Raises == "" && b.HangsUp == 0 {
			<-ctx.Done()
		}
	})
}
