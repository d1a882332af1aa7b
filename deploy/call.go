package deploy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"pipecat-cloud-deploy/internal/event"
	"pipecat-cloud-deploy/internal/pacing"
	"pipecat-cloud-deploy/internal/phone"
	"pipecat-cloud-deploy/internal/pipecat"
	"pipecat-cloud-deploy/internal/revision"
	"pipecat-cloud-deploy/internal/settings"
	"pipecat-cloud-deploy/internal/verdict"
)

// roomFor is for how long the room of a test call is there, should nobody end it.
const roomFor = 5 * time.Minute

// Caller places test calls to an agent.
type Caller struct {
	api     API
	request Request
	agent   *pipecat.Agent
	target  revision.Target // that is to be called
	emit    event.Emitter
}

// NewCaller reads the agent once more: where it can be called, and by what. Its error
// is a *verdict.Failure, also where another deployment has replaced the target.
func NewCaller(ctx context.Context, api API, r Request, target revision.Target, emit event.Emitter) (Caller, error) {
	agent, err := api.Agent(ctx, r.Agent)
	switch {
	case ctx.Err() != nil:
		return Caller{}, verdict.NewCancelled("the job was stopped before the test call")
	case err != nil:
		return Caller{}, unproven(r, emit, verdict.CallNetwork, fmt.Sprintf("the test call could not be made, because the agent could not be read: %v", err))
	}
	if target.IsSuperseded(agent) {
		return Caller{}, verdict.NewSuperseded("another client has deployed: deployment %s replaced %s, which was not called", agent.Desired(), target.ID)
	}
	c := Caller{api, r, agent, target, emit}
	if socket := r.Call == pipecat.Twilio || r.Call == pipecat.WebSocket; socket && !c.startsSocket() && organizationOf(agent) == "" {
		return Caller{}, unproven(r, emit, "", "the test call could not be made: "+errNoOrganization.Error())
	}
	return c, nil
}

// unproven is the failure of a test call that is not made, which it reports as the result
// of one.
func unproven(r Request, emit event.Emitter, cause verdict.Cause, message string) *verdict.Failure {
	emit.Emit(event.Called{Road: r.Call, Answer: verdict.Unproven, Cause: cause})
	return &verdict.Failure{Reason: verdict.ReasonUnproven, Cause: cause, Message: message}
}

var errNoOrganization = errors.New("the API does not show the organization's name (deployment.manifest.metadata.namespace), which is in the address of the agent's WebSocket")

// Alone reports whether no other deployment has instances that could take a call.
func (c Caller) Alone() bool { return !c.target.OthersReady(c.agent) }

// Place makes a call possible: it starts a session, where the road needs one, whose id
// it returns. Without a road the session is to be watched. Its error is a *pipecat.Error,
// unless no other call can be made either.
func (c Caller) Place(ctx context.Context) (session string, road phone.Road, err error) {
	switch c.request.Call {
	case pipecat.Daily:
		s, err := c.start(ctx, pipecat.StartRequest{DailyRoom: true, RoomProperties: &pipecat.RoomProperties{Expires: time.Now().Add(roomFor).Unix()}})
		if err != nil {
			return "", nil, err
		}
		return s.SessionID, nil, nil
	case pipecat.WebRTC:
		s, err := c.start(ctx, pipecat.StartRequest{Transport: pipecat.WebRTC, ICEServers: true})
		if err != nil {
			return "", nil, err
		}
		offer := func(ctx context.Context, sdp string) (string, error) {
			return c.api.Offer(ctx, c.request.Agent, s.SessionID, sdp)
		}
		return s.SessionID, phone.WebRTC{Offer: offer, Servers: s.ICE.Servers, Loopback: pipecat.IsLoopback(c.request.URL.Hostname())}, nil
	}
	return c.placeSocket(ctx)
}

// startsSocket reports whether a call by a WebSocket starts a session, for its token.
func (c Caller) startsSocket() bool { return c.request.CallKey && c.agent.WebsocketAuth != "none" }

// placeSocket is a call by a WebSocket: where the agent asks for no token, without a
// session of this program's.
func (c Caller) placeSocket(ctx context.Context) (session string, road phone.Road, err error) {
	organization := organizationOf(c.agent)
	end := phone.Endpoint{Body: c.request.CallBody, Transport: c.api.Carrier()}
	if c.startsSocket() {
		s, err := c.start(ctx, pipecat.StartRequest{Transport: pipecat.WebSocket})
		if err != nil {
			return "", nil, err
		}
		if u, err := url.Parse(s.URL); err == nil && s.URL != "" {
			u.RawQuery = ""
			end.URL = u
		}
		session, end.Token = s.SessionID, s.Token
	}
	switch {
	case end.URL == nil && organization == "":
		return session, nil, errNoOrganization
	case end.URL == nil:
		end.URL = phone.GenericURL(c.request.URL, cmp.Or(c.agent.Region, defaultRegion), c.request.Agent, organization)
	}
	if c.request.Call == pipecat.Twilio {
		service := ""
		if organization != "" {
			service = c.request.Agent + "." + organization
		}
		return session, phone.Twilio{Endpoint: end, Service: service}, nil
	}
	return session, phone.WebSocket{Endpoint: end}, nil
}

// defaultRegion is that of an address which names none.
//
// https://docs.pipecat.ai/pipecat-cloud/guides/generic-websocket
const defaultRegion = "us-west"

// start starts a session, and without the body where that is what is refused. Once ctx is
// done, the response to a request that was sent is waited for a little longer: only a
// session whose id is known can be ended.
func (c Caller) start(ctx context.Context, r pipecat.StartRequest) (*pipecat.Started, error) {
	if ctx.Err() != nil {
		return nil, &pipecat.Error{Method: http.MethodPost, URL: c.request.URL.String(), Err: ctx.Err()}
	}
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(answerTime, cancel) })()
	r.Body = c.request.CallBody
	s, err := c.api.Start(longer, c.request.Agent, r)
	if e := asError(err); err != nil && e.Status == 400 && r.Body != nil && ctx.Err() == nil && strings.Contains(strings.ToLower(e.Message), "body") {
		r.Body = nil
		s, err = c.api.Start(longer, c.request.Agent, r)
	}
	if err == nil {
		c.emit.Emit(event.Entrusted{Keys: s.Keys()})
	}
	return s, err
}

// organizationOf is the name of the organization, which a manifest has for its
// namespace.
func organizationOf(a *pipecat.Agent) string {
	if a.Deployment == nil {
		return ""
	}
	return a.Deployment.Manifest.Metadata.Namespace
}

// End ends a session that Place started, in time for a job that was stopped. A request
// that fails is sent again, unless the session shows that it is over.
func (c Caller) End(ctx context.Context, session string) error {
	if session == "" {
		return nil // it ends with its connection
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTime)
	defer cancel()
	for {
		err := c.api.EndSession(ctx, c.request.Agent, session)
		if err == nil {
			return nil
		}
		if s, err := c.api.Session(ctx, c.request.Agent, session); err == nil && s.Over() {
			return nil
		}
		if asError(err).Unauthorized() || pacing.Sleep(ctx, endPace) != nil {
			return err
		}
	}
}

const (
	answerTime = 400 * time.Millisecond  // that a start may take in a job that was stopped
	endTime    = 1200 * time.Millisecond // that the end of a session may take
	endPace    = 160 * time.Millisecond  // between two requests for it
)

// Current is the deployment that an agent has, for a job that deploys none.
func Current(ctx context.Context, api API, r Request, emit event.Emitter) (Accepted, error) {
	b, err := Read(ctx, api, r)
	if err != nil {
		return Accepted{}, err
	}
	plan, err := NewPlan(r, b, Artifact{})
	if err != nil {
		return Accepted{}, err
	}
	id := b.Agent.Desired()
	emit.Emit(event.Checking{ID: id, Region: b.Agent.Region, Image: settings.ImageShown(b.Agent), BuildID: settings.BuildShown(b.Agent)})
	return Accepted{Plan: plan, ID: id, Previous: id, Agent: b.Agent, KnownErrors: b.Agent.Errors}, nil
}
