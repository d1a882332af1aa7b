package pipecat

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Session is one call of an agent. Every field may be missing.
//
// https://docs.pipecat.ai/api-reference/pipecat-cloud/rest-reference/endpoint/session-get
type Session struct {
	ID               string       `json:"sessionId"`
	DeploymentID     string       `json:"deploymentId"`
	CreatedAt        Time         `json:"createdAt"`
	EndedAt          Time         `json:"endedAt"` // zero while it is active
	BotStartSeconds  float64      `json:"botStartSeconds"`
	ColdStart        Flag         `json:"coldStart"`
	CompletionStatus string       `json:"completionStatus"` // an open list; "" while it is active
	EndState         string       `json:"endState"`         // not in the reference
	Events           List[Signal] `json:"events"`           // not in the reference
}

// Signal is one of a session's events.
type Signal struct {
	Code string `json:"eventCode"`
	At   Time   `json:"eventTs"`
}

// Over reports whether a session shows that it has ended.
func (s *Session) Over() bool {
	return !s.EndedAt.IsZero() || s.CompletionStatus != "" || s.EndState != "" ||
		slices.ContainsFunc(s.Events, func(e Signal) bool { return strings.EqualFold(e.Code, "SESSION_COMPLETED") })
}

// NotStarted reports whether a session ended before an instance took it.
func (s *Session) NotStarted() bool {
	return strings.EqualFold(s.CompletionStatus, "BOT_CONNECTION_TIMEOUT") ||
		strings.EqualFold(s.EndState, "agent_start_timeout") || strings.EqualFold(s.EndState, "ended_before_agent_start")
}

// Failed reports whether a session's state says that it failed. A state that this
// client does not know does not.
func (s *Session) Failed() bool {
	code, err := strconv.Atoi(s.CompletionStatus)
	return s.NotStarted() || strings.EqualFold(s.CompletionStatus, "HTTP_ERROR") || err == nil && (code < 200 || code > 299)
}

// SessionFilter says which sessions to list. What is zero does not matter.
type SessionFilter struct {
	DeploymentID string
	Limit        int
}

// Session reads a session of the agent called name.
func (c *Client) Session(ctx context.Context, name, id string) (*Session, error) {
	var s Session
	if err := c.get(ctx, &s, "agents", name, "sessions", id); err != nil {
		return nil, err
	}
	return &s, nil
}

// Sessions lists sessions of the agent called name, the newest first. A response that
// lists none, and does not say that there are none, is an error.
func (c *Client) Sessions(ctx context.Context, name string, f SessionFilter) ([]Session, error) {
	query := url.Values{}
	if f.DeploymentID != "" {
		query.Set("deploymentId", f.DeploymentID)
	}
	if f.Limit > 0 {
		query.Set("limit", strconv.Itoa(f.Limit))
	}
	var answer sessionsAnswer
	if err := c.query(ctx, &answer, query, "agents", name, "sessions"); err != nil {
		return nil, err
	}
	slices.SortStableFunc(answer.Sessions, func(a, b Session) int { return b.CreatedAt.Compare(a.CreatedAt.Time) })
	return answer.Sessions, nil
}

// sessionsAnswer is a list of sessions.
type sessionsAnswer struct {
	Sessions List[Session] `json:"sessions"`
	Total    *float64      `json:"total_count"`
}

// validate returns an error for a response that shows nothing of the sessions: those that
// it leaves out would seem new in the next.
func (a *sessionsAnswer) validate() error {
	if a.Sessions == nil && (a.Total == nil || *a.Total != 0) {
		return errors.New("it lists no sessions")
	}
	return nil
}

// endAnswer is the response to the end of a session.
type endAnswer struct {
	Status string `json:"status"`
}

func (a *endAnswer) validate() error {
	if !strings.EqualFold(a.Status, "terminated") {
		return errors.New("it does not say that the session has ended")
	}
	return nil
}

// SessionLogs reads the last lines that a session of the agent called name has
// printed: at most n, the oldest first. What ended it is at their end.
func (c *Client) SessionLogs(ctx context.Context, name, id string, n int) ([]LogLine, error) {
	var answer struct {
		Logs logLines `json:"logs"`
	}
	query := url.Values{"sessionId": {id}, "limit": {strconv.Itoa(n)}, "order": {"desc"}}
	if err := c.query(ctx, &answer, query, "agents", name, "logs"); err != nil {
		return nil, err
	}
	lines := answer.Logs[:min(n, len(answer.Logs))]
	slices.Reverse(lines)
	return lines, nil
}

// Carrier is what carries the client's requests; nil: http.DefaultTransport.
func (c *Client) Carrier() http.RoundTripper { return c.Transport }

// EndSession ends a session of the agent called name at once. A response that does not say
// so is an error.
func (c *Client) EndSession(ctx context.Context, name, id string) error {
	var answer endAnswer
	return c.send(ctx, http.MethodDelete, writeLimit, nil, &answer, "agents", name, "sessions", id)
}
