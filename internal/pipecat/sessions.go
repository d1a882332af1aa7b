package pipecat

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
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
	EndUnclear       bool         `json:"-"`       // EndedAt has a value that is no time
	BotStartSeconds  float64      `json:"botStartSeconds"`
	ColdStart        Flag         `json:"coldStart"`
	CompletionStatus string       `json:"completionStatus"` // an open list, or the code of an HTTP response; "" while it is active
	EndState         string       `json:"endState"`         // not in the reference
	Events           List[Signal] `json:"events"`           // not in the reference
}

// UnmarshalJSON never fails: an odd field costs no more than that field. A number is
// taken for the text of a completion status.
func (s *Session) UnmarshalJSON(data []byte) error {
	*s = Session{}
	type fields Session
	if decode(data, (*fields)(s)) != nil {
		*s = Session{}
		return nil
	}
	var is struct {
		Ended  json.RawMessage `json:"endedAt"`
		Status json.RawMessage `json:"completionStatus"`
	}
	_ = json.Unmarshal(data, &is) // which is an object
	s.EndUnclear = len(is.Ended) > 0 && string(is.Ended) != "null" && s.EndedAt.IsZero()
	var code json.Number
	if s.CompletionStatus == "" && json.Unmarshal(is.Status, &code) == nil {
		s.CompletionStatus = code.String()
	}
	return nil
}

// Signal is one of a session's events.
type Signal struct {
	Code string `json:"eventCode"`
	At   Time   `json:"eventTs"`
}

// Over reports whether a session shows that it has ended. A status or a state that this
// client does not know shows nothing.
func (s *Session) Over() bool {
	known := func(status string) bool { return strings.EqualFold(s.CompletionStatus, status) }
	return !s.EndedAt.IsZero() || s.code() != 0 || slices.ContainsFunc(finalStatuses, known) || s.NotStarted() ||
		slices.ContainsFunc(s.Events, func(e Signal) bool { return strings.EqualFold(e.Code, "SESSION_COMPLETED") })
}

// Live reports whether a session shows no end, and nothing that may be one.
func (s *Session) Live() bool { return !s.Over() && !s.EndUnclear }

var finalStatuses = []string{"HTTP_COMPLETED", "HTTP_ERROR", "WS_CONNECTION_CLOSED"}

// code is the HTTP status that a session ended with; 0 for none.
func (s *Session) code() int {
	if code, err := strconv.Atoi(s.CompletionStatus); err == nil && code >= 200 && code <= 599 {
		return code
	}
	return 0
}

// NotStarted reports whether a session ended before an instance took it.
func (s *Session) NotStarted() bool {
	return strings.EqualFold(s.CompletionStatus, "BOT_CONNECTION_TIMEOUT") ||
		strings.EqualFold(s.EndState, "agent_start_timeout") || strings.EqualFold(s.EndState, "ended_before_agent_start")
}

// Failed reports whether a session's state says that it failed. A state that this
// client does not know does not.
func (s *Session) Failed() bool {
	return s.NotStarted() || strings.EqualFold(s.CompletionStatus, "HTTP_ERROR") || s.code() > 299
}

// SessionFilter says which sessions to list. What is zero does not matter.
type SessionFilter struct {
	DeploymentID string
	Limit        int
	Offset       int // of the first
}

// Session reads a session of the agent called name. A document that does not name it is
// no evidence of anything: it is an error that may pass.
func (c *Client) Session(ctx context.Context, name, id string) (*Session, error) {
	answer := sessionAnswer{asked: id}
	if err := c.get(ctx, &answer, "agents", name, "sessions", id); err != nil {
		return nil, err
	}
	return &answer.Session, nil
}

// sessionAnswer is the document of the session that was asked for.
type sessionAnswer struct {
	Session
	asked string
}

// reset keeps what was asked for.
func (a *sessionAnswer) reset() { a.Session = Session{} }

// validate returns an error for a document that is no evidence.
func (a *sessionAnswer) validate() error {
	switch a.ID {
	case a.asked:
		return nil
	case "":
		return errors.New("it names no session")
	}
	return fmt.Errorf("it is of the session %.100q", a.ID)
}

// Sessions lists sessions of the agent called name, the newest first, but for those
// without an id. A response that lists none, and does not say that there are none, is an
// error.
func (c *Client) Sessions(ctx context.Context, name string, f SessionFilter) ([]Session, error) {
	query := url.Values{}
	if f.DeploymentID != "" {
		query.Set("deploymentId", f.DeploymentID)
	}
	if f.Limit > 0 {
		query.Set("limit", strconv.Itoa(f.Limit))
	}
	if f.Offset > 0 {
		query.Set("offset", strconv.Itoa(f.Offset))
	}
	var answer sessionsAnswer
	if err := c.query(ctx, &answer, query, "agents", name, "sessions"); err != nil {
		return nil, err
	}
	sessions := slices.DeleteFunc(answer.Sessions, func(s Session) bool { return s.ID == "" })
	slices.SortStableFunc(sessions, func(a, b Session) int { return b.CreatedAt.Compare(a.CreatedAt.Time) })
	return sessions, nil
}

// sessionsAnswer is a list of sessions.
type sessionsAnswer struct {
	Sessions List[Session] `json:"sessions"`
	Total    *float64      `json:"total_count"`
}

// validate returns an error for a response that shows nothing of the sessions: those that
// it leaves out would seem new in the next.
func (a *sessionsAnswer) validate() error {
	none := a.Sessions == nil && (a.Total == nil || *a.Total != 0)
	named := func(s Session) bool { return s.ID != "" }
	if none || len(a.Sessions) > 0 && !slices.ContainsFunc(a.Sessions, named) {
		return errors.New("it lists no sessions")
	}
	return nil
}

// endAnswer is the response to the end of a session.
type endAnswer struct {
	Status string `json:"status"`
}

// mayBeEmpty is of an answer that is nothing but a success.
func (a *endAnswer) mayBeEmpty() {}

func (a *endAnswer) validate() error {
	if !strings.EqualFold(a.Status, "terminated") {
		return errors.New("it does not say that the session has ended")
	}
	return nil
}

// SessionLogs reads the last n entries of what a session of the agent called name has
// printed, line by line, the oldest first. What ended it is at their end. A response
// without a log is an error, unless it says that there are no entries.
func (c *Client) SessionLogs(ctx context.Context, name, id string, n int) (lines []LogLine, err error) {
	var answer sessionLogsAnswer
	query := url.Values{"sessionId": {id}, "limit": {strconv.Itoa(n)}, "order": {"desc"}}
	if err := c.query(ctx, &answer, query, "agents", name, "logs"); err != nil {
		return nil, err
	}
	for _, entry := range answer.Logs[:min(n, len(answer.Logs))] {
		for _, text := range slices.Backward(strings.Split(strings.TrimSuffix(entry.Text, "\n"), "\n")) {
			if entry.Text = text; len(lines) < maxLogLines {
				lines = append(lines, entry)
			}
		}
	}
	slices.Reverse(lines)
	return lines, nil
}

// sessionLogsAnswer is the log of a session.
type sessionLogsAnswer struct {
	Logs  logLines `json:"logs"`
	Total struct {
		Value *float64 `json:"value"`
	} `json:"total"`
}

func (a *sessionLogsAnswer) validate() error {
	if a.Logs == nil && (a.Total.Value == nil || *a.Total.Value != 0) {
		return errors.New("it has no log")
	}
	return nil
}

// Carrier is what carries the client's requests; nil: http.DefaultTransport.
func (c *Client) Carrier() http.RoundTripper { return c.Transport }

// EndSession ends a session of the agent called name at once. A response that says
// something else is an error.
func (c *Client) EndSession(ctx context.Context, name, id string) error {
	var answer endAnswer
	return c.send(ctx, http.MethodDelete, writeLimit, nil, &answer, "agents", name, "sessions", id)
}
