package simulator

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"pipecat-cloud-deploy/internal/pipecat"
)

// session is one call of an agent.
type session struct {
	id, deployment string
	began          time.Time
	ended          time.Time // zero: it is active
	status         string    // that it ended with

	image string
	body  map[string]any
	token string // for a WebSocket, until it is used
	live  context.Context
	stop  context.CancelFunc
	log   []logLine

	logLag time.Duration // by which it shows later
}

// shown are the lines that show at a time.
func (s *session) shown(now time.Time) (lines []logLine) {
	for _, line := range s.log {
		if !line.at.Add(s.logLag).After(now) {
			lines = append(lines, line)
		}
	}
	return lines
}

// logLine is what a deployment has printed.
type logLine struct {
	at         time.Time
	deployment string
	text       string
}

// end ends a session, the first time.
func (s *session) end(status string) {
	if s.ended.IsZero() {
		s.ended, s.status = time.Now(), status
		s.stop()
	}
}

const organizationID = "7c489df3-7d1d-482f-b1ed-51300f630645"

func (s *session) document(a *agent) object {
	doc := object{
		"sessionId": s.id, "serviceId": serviceID, "organizationId": organizationID, "deploymentId": s.deployment,
		"createdAt": a.timestamp(s.began), "updatedAt": a.timestamp(s.began), "endedAt": nil,
		"botStartSeconds": 0, "coldStart": a.minAgents == 0, "completionStatus": nil,
	}
	if !s.ended.IsZero() {
		doc["endedAt"], doc["updatedAt"], doc["completionStatus"] = a.timestamp(s.ended), a.timestamp(s.ended), s.status
	}
	return doc
}

func (a *agent) activeSessions() (n int) {
	for _, s := range a.sessions {
		if s.ended.IsZero() {
			n++
		}
	}
	return n
}

func (c *Cloud) listAgents(r *http.Request) (any, *apiError) {
	query, now := r.URL.Query(), time.Now()
	whole, err := strconv.ParseBool(query.Get("includeActiveDeployment"))
	if err != nil && query.Has("includeActiveDeployment") {
		return nil, badRequest("Invalid parameters")
	}
	services := []object{}
	for _, name := range slices.Sorted(maps.Keys(c.agents)) {
		a := c.agents[name]
		if region := query.Get("region"); region != "" && region != a.region {
			continue
		}
		a.settle(c, now)
		doc := a.document(now, now)
		item := object{"id": serviceID, "organizationId": organizationID, "deletedAt": nil}
		for _, field := range []string{"name", "region", "desiredDeploymentId", "activeDeploymentId", "reconciledDeploymentId", "createdAt", "updatedAt"} {
			item[field] = doc[field]
		}
		if whole {
			item["deployment"] = doc["deployment"]
		}
		services = append(services, item)
	}
	return object{"services": services}, nil
}

func (c *Cloud) deleteAgent(r *http.Request) (any, *apiError) {
	name := r.PathValue("name")
	if c.agents[name] == nil {
		return nil, notFound("Not found")
	}
	delete(c.agents, name)
	return object{"status": "OK"}, nil
}

// sessionError is a refusal of a request for sessions, whose code is the status.
func sessionError(status int, message string) *apiError {
	return &apiError{status, strconv.Itoa(status), message}
}

var noSession = sessionError(http.StatusNotFound, "API endpoint not found / agent deployment not found / Organization not found")

// startSession starts a session of the deployment that serves.
func (c *Cloud) startSession(r *http.Request) (any, *apiError) {
	var ask struct {
		Daily     bool           `json:"createDailyRoom"`
		Transport string         `json:"transport"`
		ICE       bool           `json:"enableDefaultIceServers"`
		Body      map[string]any `json:"body"`
	}
	if err := read(r, &ask); err != nil || !slices.Contains([]string{"", "daily", "webrtc", "websocket"}, ask.Transport) {
		return nil, badRequest("Invalid parameters")
	}
	a := c.agents[r.PathValue("name")]
	if a == nil {
		return nil, notFound("Not found")
	}
	s, refused := c.begin(a, ask.Body)
	if refused != nil {
		return nil, refused
	}
	answer := object{"sessionId": s.id}
	switch {
	case ask.Daily:
		answer["dailyRoom"], answer["dailyToken"] = "https://simulated.daily.co/"+s.id, "simulated-"+s.id
		if c.Calls != nil {
			go c.Calls.Join(s.live, c.call(s))
		}
	case ask.Transport == "websocket":
		s.token = "simulated-" + s.id
		answer["wsUrl"], answer["token"] = c.socketURL(r, a), s.token
		if ask.Body != nil {
			body, _ := json.Marshal(ask.Body)
			answer["body"] = base64.StdEncoding.EncodeToString(body)
		}
	case ask.Transport == "webrtc" && ask.ICE:
		answer["iceConfig"] = object{"iceServers": []object{}}
	}
	return answer, nil
}

// socketURL is where an agent's WebSocket is: on the platform, or on the loopback
// address that a request was sent to.
func (c *Cloud) socketURL(r *http.Request, a *agent) string {
	host := r.Host
	if name, _, err := net.SplitHostPort(host); err == nil && pipecat.IsLoopback(name) {
		return "ws://" + host + "/ws/generic/" + a.name + "." + Organization
	}
	return "wss://" + a.region + ".api.pipecat.daily.co/ws/generic/" + a.name + "." + Organization
}

// session finds the session of a request's path.
func (c *Cloud) session(r *http.Request) (*agent, *session) {
	if a := c.agents[r.PathValue("name")]; a != nil {
		for _, s := range a.sessions {
			if s.id == r.PathValue("id") {
				return a, s
			}
		}
	}
	return nil, nil
}

func (c *Cloud) getSession(r *http.Request) (any, *apiError) {
	a, s := c.session(r)
	if s == nil {
		return nil, noSession
	}
	doc := s.document(a)
	doc["resourceMetrics"], doc["meetingIds"] = nil, []object{}
	return doc, nil
}

func (c *Cloud) deleteSession(r *http.Request) (any, *apiError) {
	_, s := c.session(r)
	switch {
	case s == nil:
		return nil, noSession
	case !s.ended.IsZero():
		return nil, sessionError(http.StatusBadRequest, "Session is not active")
	}
	s.end("TERMINATED")
	return object{"status": "terminated", "session_id": s.id}, nil
}

func (c *Cloud) listSessions(r *http.Request) (any, *apiError) {
	a := c.agents[r.PathValue("name")]
	if a == nil {
		return nil, noSession
	}
	query := r.URL.Query()
	limit, offset := number(query, "limit", 10), number(query, "offset", 0)
	if limit < 0 || offset < 0 || !isAny(query, "status", "active", "ended", "all") || !isAny(query, "startType", "cold", "warm", "all") {
		return nil, sessionError(http.StatusBadRequest, "Invalid parameters")
	}
	list := []object{}
	for _, s := range slices.Backward(a.sessions) {
		status := "active"
		if !s.ended.IsZero() {
			status = "ended"
		}
		start := "warm"
		if a.minAgents == 0 {
			start = "cold"
		}
		if id := query.Get("deploymentId"); id != "" && id != s.deployment ||
			!isAny(query, "status", status, "all") || !isAny(query, "startType", start, "all") {
			continue
		}
		list = append(list, s.document(a))
	}
	total := len(list)
	return object{"total_count": total, "sessions": list[min(offset, total):min(offset+limit, total)]}, nil
}

// isAny reports whether a parameter has one of the values, or is absent.
func isAny(query url.Values, name string, values ...string) bool {
	return query.Get(name) == "" || slices.Contains(values, query.Get(name))
}
