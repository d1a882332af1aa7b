package simulator

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"
)

// session is one call of an agent.
type session struct {
	id, deployment string
	began          time.Time
	ended          time.Time // zero: it is active
	status         string    // that it ended with
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
		Body      map[string]any `json:"body"`
	}
	if err := read(r, &ask); err != nil || !slices.Contains([]string{"", "daily", "webrtc", "websocket"}, ask.Transport) {
		return nil, badRequest("Invalid parameters")
	}
	a := c.agents[r.PathValue("name")]
	if a == nil {
		return nil, notFound("Not found")
	}
	now := time.Now()
	a.settle(c, now)
	d := a.newest()
	if !d.frame(now).serves() {
		if d = a.servingBefore(); d == nil {
			return nil, &apiError{http.StatusBadRequest, "PCC-1001", "The agent is not ready"}
		}
	}
	s := &session{id: c.newID(), deployment: d.id, began: now}
	a.sessions = append(a.sessions, s)
	answer := object{"sessionId": s.id}
	switch {
	case ask.Daily:
		answer["dailyRoom"], answer["dailyToken"] = "https://simulated.daily.co/"+s.id, "simulated-"+s.id
	case ask.Transport == "websocket":
		answer["wsUrl"], answer["token"] = "wss://"+a.region+".api.pipecat.daily.co/ws/generic/"+a.name, "simulated-"+s.id
	}
	return answer, nil
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
	s.ended, s.status = time.Now(), "TERMINATED"
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
