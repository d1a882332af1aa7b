package simulator

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Calls takes the calls of sessions: see package bots.
type Calls interface {
	// WebSocket answers the call of a request to upgrade, until it is over.
	WebSocket(w http.ResponseWriter, r *http.Request, c Call)
	// Answer answers the offer of a call by WebRTC, which continues until ctx is done.
	Answer(ctx context.Context, c Call, sdp string) (answer string, err error)
	// Join is alone in a room until ctx is done, or it leaves.
	Join(ctx context.Context, c Call)
}

// Call is the call of a session.
type Call struct {
	Session, Deployment string
	Image               string // of that deployment
	Body                map[string]any
	// Log prints a line as the platform's base image does, and End ends the session.
	Log func(level, message string)
	End func(status string)
}

// begin makes a session of the deployment whose instance takes the next call.
func (c *Cloud) begin(a *agent, body map[string]any) (*session, *apiError) {
	now := time.Now()
	a.settle(c, now)
	d, old := a.newest(), a.servingBefore()
	switch {
	case !d.frame(now).serves() && old == nil:
		return nil, &apiError{http.StatusBadRequest, "PCC-1001", "The agent is not ready"}
	case c.Busy > 0:
		c.Busy--
		return nil, &apiError{http.StatusTooManyRequests, "PCC-AGENT-AT-CAPACITY", "The agent is at capacity"}
	case !d.frame(now).serves():
		d = old
	case old != nil && c.OldTakes > 0:
		c.OldTakes--
		d = old
	}
	s := &session{id: c.newID(), deployment: d.id, image: d.manifest.Image, began: now, body: body}
	s.live, s.stop = context.WithCancel(context.Background())
	a.sessions = append(a.sessions, s)
	return s, nil
}

// Caller is a real caller of an agent.
type Caller struct {
	Lasts  time.Duration // until the session ends
	Status string        // that it ends with; empty: HTTP_COMPLETED
	Old    bool          // an instance of the deployment before answers, if there is one
	Prints []string      // errors that the session prints before it ends, as the base image does
	LogLag time.Duration // by which these show later
}

// Dial has a real caller call an agent, if there is one. No request of the API's shows
// that the session was started by another.
func (c *Cloud) Dial(name string, caller Caller) {
	c.mu.Lock()
	defer c.mu.Unlock()
	a := c.agents[name]
	if a == nil {
		return
	}
	a.settle(c, time.Now())
	d := a.newest()
	if n := len(a.deployments); caller.Old && n > 1 {
		d = a.deployments[n-2]
	}
	s := &session{id: c.newID(), deployment: d.id, image: d.manifest.Image, began: time.Now()}
	s.live, s.stop = context.WithCancel(context.Background())
	a.sessions = append(a.sessions, s)
	call := c.call(s)
	time.AfterFunc(caller.Lasts, func() {
		call.Log("INFO", "Starting bot session with metadata")
		for _, text := range caller.Prints {
			call.Log("ERROR", text)
		}
		c.mu.Lock()
		s.logLag = caller.LogLag
		c.mu.Unlock()
		call.End(cmp.Or(caller.Status, "HTTP_COMPLETED"))
	})
}

// SessionSeen is what a read of a session shows at a time.
type SessionSeen struct {
	ID, Deployment string
	Over           bool
	Status         string
	Log            []string
}

// Sessions are the sessions of an agent as reads show them now, the newest first.
func (c *Cloud) Sessions(name string) (seen []SessionSeen) {
	c.mu.Lock()
	defer c.mu.Unlock()
	a := c.agents[name]
	if a == nil {
		return nil
	}
	for _, s := range slices.Backward(a.sessions) {
		shown := SessionSeen{ID: s.id, Deployment: s.deployment, Over: !s.ended.IsZero(), Status: s.status}
		for _, line := range s.shown(time.Now()) {
			shown.Log = append(shown.Log, line.text)
		}
		seen = append(seen, shown)
	}
	return seen
}

// call is a session as what takes calls has it.
func (c *Cloud) call(s *session) Call {
	return Call{Session: s.id, Deployment: s.deployment, Image: s.image, Body: s.body,
		Log: func(level, message string) {
			c.mu.Lock()
			defer c.mu.Unlock()
			now := time.Now()
			s.log = append(s.log, logLine{now, s.deployment, fmt.Sprintf("%s | %-8s | app:run_bot:42 | %s - %s", now.UTC().Format("2006-01-02 15:04:05.000"), level, s.id, message)})
		},
		End: func(status string) {
			c.mu.Lock()
			defer c.mu.Unlock()
			s.end(status)
		},
	}
}

// offer has the bot of a session answer an offer.
func (c *Cloud) offer(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	_, s := c.session(r)
	c.mu.Unlock()
	var ask struct{ SDP, Type string }
	data, _ := io.ReadAll(r.Body)
	switch err := json.Unmarshal(data, &ask); {
	case s == nil || s.live.Err() != nil || c.Calls == nil:
		c.reply(w, nil, notFound("Session not found"))
		return
	case err != nil || ask.Type != "offer":
		c.reply(w, nil, &apiError{http.StatusInternalServerError, "500", "Internal Server Error"})
		return
	}
	answer, err := c.Calls.Answer(s.live, c.call(s), ask.SDP)
	if err != nil {
		c.reply(w, nil, badRequest("%v", err))
		return
	}
	c.reply(w, object{"sdp": answer, "type": "answer", "pc_id": "SmallWebRTCConnection#0-" + s.id[:8]}, nil)
}

// webSocket relays a call to an agent: by the token of a session, or by its name where
// it asks for none.
func (c *Cloud) webSocket(w http.ResponseWriter, r *http.Request) {
	name, _, _ := strings.Cut(cmp.Or(r.PathValue("service"), r.URL.Query().Get("serviceHost")), ".")
	c.mu.Lock()
	s, refused := c.taken(name, r.PathValue("token"))
	c.mu.Unlock()
	if refused != nil {
		c.reply(w, nil, refused)
		return
	}
	c.Calls.WebSocket(w, r.WithContext(s.live), c.call(s))
}

// taken is the session of a call by WebSocket.
func (c *Cloud) taken(name, token string) (*session, *apiError) {
	a := c.agents[name]
	if a == nil || c.Calls == nil {
		return nil, notFound("Not found")
	}
	if token == "" && a.newest().manifest.WebsocketAuth != "token" {
		return c.begin(a, nil)
	}
	for _, s := range a.sessions {
		if s.token != "" && s.token == token && time.Since(s.began) < 5*time.Minute {
			s.token = "" // it is good for once
			return s, nil
		}
	}
	return nil, &apiError{http.StatusForbidden, "403", "Forbidden"}
}
