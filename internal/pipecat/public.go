package pipecat

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"time"
)

// The transports that an agent's bot may have, and by which it can be called.
const (
	Daily     = "daily"
	WebRTC    = "webrtc"
	Twilio    = "twilio"
	WebSocket = "websocket"
)

// startLimit is how long the start of a session may take: the platform does not say
// whether it waits for an instance, which takes up to a minute.
const startLimit = 90 * time.Second

// PublicClient calls the routes of a Public API key, by which sessions are started.
// It is no Client, so that neither's key can go where the other's belongs. Each
// request is sent once.
type PublicClient struct{ client Client }

// NewPublicClient returns a client of the API at base, which has the transport and
// the name of another.
func NewPublicClient(base *url.URL, key, userAgent string, transport http.RoundTripper) *PublicClient {
	return &PublicClient{Client{Base: base, Key: key, UserAgent: userAgent, Transport: transport}}
}

// errNoPublicKey is for a client that has no PublicClient.
var errNoPublicKey = errors.New("there is no Public key to start a session with")

// Start starts a session of the agent called name, with the Public key.
func (c *Client) Start(ctx context.Context, name string, r StartRequest) (*Started, error) {
	if c.Public == nil {
		return nil, errNoPublicKey
	}
	return c.Public.Start(ctx, name, r)
}

// Offer sends an SDP offer to a session, with the Public key: see PublicClient.
func (c *Client) Offer(ctx context.Context, name, sessionID, sdp string) (string, error) {
	if c.Public == nil {
		return "", errNoPublicKey
	}
	return c.Public.Offer(ctx, name, sessionID, sdp)
}

// StartRequest asks for a session. What is zero is not sent.
//
// https://docs.pipecat.ai/pipecat-cloud/fundamentals/active-sessions
type StartRequest struct {
	Transport      string          `json:"transport,omitempty"` // webrtc or websocket; empty where a room is asked for
	DailyRoom      bool            `json:"createDailyRoom,omitempty"`
	RoomProperties *RoomProperties `json:"dailyRoomProperties,omitempty"`
	ICEServers     bool            `json:"enableDefaultIceServers,omitempty"`
	Body           map[string]any  `json:"body,omitempty"`
}

// RoomProperties are those of a Daily room.
type RoomProperties struct {
	Expires int64 `json:"exp,omitempty"` // Unix seconds
}

// Started is a session that was started. Every field may be missing.
type Started struct {
	SessionID string    `json:"sessionId"`
	Token     string    `json:"token"` // of a WebSocket, for five minutes and once
	URL       string    `json:"wsUrl"`
	ICE       ICEConfig `json:"iceConfig"`
	Room      string    `json:"dailyRoom"` // its address
	RoomToken string    `json:"dailyToken"`
}

// Keys are what lets others into a session, or use what it is given.
func (s *Started) Keys() []string {
	keys := []string{s.Token, s.Room, s.RoomToken}
	for _, server := range s.ICE.Servers {
		keys = append(keys, server.Credential)
	}
	return keys
}

// ICEConfig names servers that help WebRTC through networks.
type ICEConfig struct {
	Servers List[ICEServer] `json:"iceServers"`
}

// ICEServer is one of them.
type ICEServer struct {
	URLs       Texts  `json:"urls"`
	Username   string `json:"username"`
	Credential string `json:"credential"`
}

// Texts is a list of texts, or one.
type Texts []string

// UnmarshalJSON never fails: see AgentError's.
func (t *Texts) UnmarshalJSON(data []byte) error {
	var one string
	if json.Unmarshal(data, &one) == nil && one != "" {
		*t = Texts{one}
		return nil
	}
	return (*List[string])(t).UnmarshalJSON(data)
}

// Start starts a session of the agent called name. A response without the session's id is
// an error that may pass, but for a WebSocket, which does without.
func (c *PublicClient) Start(ctx context.Context, name string, r StartRequest) (*Started, error) {
	answer := startAnswer{nameless: r.Transport == WebSocket}
	if err := c.client.send(ctx, http.MethodPost, startLimit, r, &answer, "public", name, "start"); err != nil {
		return nil, err
	}
	return &answer.Started, nil
}

// startAnswer is the response to a start.
type startAnswer struct {
	Started
	nameless bool // it may name no session
}

// reset keeps what was asked for.
func (a *startAnswer) reset() { a.Started = Started{} }

// validate returns an error for a response by which nobody can be called.
func (a *startAnswer) validate() error {
	if a.SessionID == "" && !a.nameless {
		return errors.New("it names no session")
	}
	return nil
}

// Offer sends an SDP offer to a session, and returns the answer of its bot.
//
// https://docs.pipecat.ai/pipecat-cloud/guides/smallwebrtc
func (c *PublicClient) Offer(ctx context.Context, name, sessionID, sdp string) (string, error) {
	offer := struct {
		SDP  string `json:"sdp"`
		Type string `json:"type"`
	}{sdp, "offer"}
	var answer struct {
		SDP string `json:"sdp"`
	}
	if err := c.client.post(ctx, offer, &answer, "public", name, "sessions", sessionID, "api", "offer"); err != nil {
		return "", err
	}
	return answer.SDP, nil
}
