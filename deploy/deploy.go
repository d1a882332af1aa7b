// Package deploy changes the platform: it plans one change to one agent, makes it
// exactly once, and plans its reversal. It is the only package that writes.
package deploy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"pipecat-cloud-deploy/internal/buildcontext"
	"pipecat-cloud-deploy/internal/pipecat"
	"pipecat-cloud-deploy/internal/settings"
	"pipecat-cloud-deploy/internal/suggest"
	"pipecat-cloud-deploy/internal/verdict"
)

// API is what a deployment needs of Pipecat Cloud. Its reads are expected to
// be tried again by themselves, its writes to be sent once.
type API interface {
	Agent(ctx context.Context, name string) (*pipecat.Agent, error)
	Build(ctx context.Context, id string) (*pipecat.Build, error)
	Builds(ctx context.Context, f pipecat.BuildFilter) ([]pipecat.Build, error)
	Properties(ctx context.Context) (*pipecat.Properties, error)
	SecretSet(ctx context.Context, name string) (*pipecat.SecretSet, error)
	SecretSets(ctx context.Context) ([]pipecat.SecretSet, error)
	AgentNames(ctx context.Context) ([]string, error)
	Regions(ctx context.Context) ([]string, error)

	CreateAgent(ctx context.Context, r pipecat.CreateRequest) (*pipecat.Agent, error)
	UpdateAgent(ctx context.Context, name string, r pipecat.UpdateRequest) (*pipecat.Agent, error)
	PutSecrets(ctx context.Context, set, region string, values []pipecat.SecretValue) (inRegion string, err error)
	UploadURL(ctx context.Context, region string) (*pipecat.Upload, error)
	Upload(ctx context.Context, to *pipecat.Upload, body io.Reader, size int64, progress func(sent int64)) error
	CreateBuild(ctx context.Context, r pipecat.BuildRequest) (b *pipecat.Build, cached bool, err error)

	// A test call's session is started with the Public key, and ended with the Private.
	Start(ctx context.Context, agent string, r pipecat.StartRequest) (*pipecat.Started, error)
	Offer(ctx context.Context, agent, session, sdp string) (string, error)
	Session(ctx context.Context, agent, id string) (*pipecat.Session, error)
	EndSession(ctx context.Context, agent, session string) error
	Carrier() http.RoundTripper // of a test call's WebSocket; nil: the standard one
}

// Request is what an agent is to become. What is zero is not asked for, and the
// agent keeps what it has.
type Request struct {
	Agent    string
	Region   string           // to create the agent in; one that exists must be in it already
	Settings pipecat.Settings // with the image or the build to deploy, unless Source or Latest says which

	Secrets []pipecat.SecretValue // that Settings.SecretSet gets before the update; nil: none

	Latest       bool                  // deploy the newest successful build of the agent's region
	Source       *buildcontext.Options // deploy a build of this build context; nil: none
	BuildTimeout time.Duration

	Call     string         // how the agent is called once it is ready: a transport of pipecat's
	CallBody map[string]any // that its bot gets
	CallKey  bool           // there is a Public key to start sessions with
	URL      *url.URL       // the API's address

	Create   bool // the agent, when it does not exist
	Force    bool // make a new deployment though nothing changes
	Warm     bool // ready takes as many replicas as are kept warm
	Rollback bool // a failed deployment is rolled back
	DryRun   bool // nothing is sent
}

// deploys reports whether an image or a build is asked for.
func (r Request) deploys() bool {
	return r.Settings.Image != "" || r.Settings.BuildID != "" || r.Latest || r.Source != nil
}

// Baseline is an agent before a change.
type Baseline struct {
	Agent *pipecat.Agent // nil: it does not exist
	// At is when it was found not to exist, by the API's clock; zero when the API
	// does not say, and for an agent that exists.
	At time.Time
	// Region is the agent's, or the one that a new agent gets; "" when the platform
	// chooses it, and it is not known which.
	Region string
	// Near is an agent whose name is near that of one that does not exist; "" for none.
	Near string
	// SecretSet is the one that the request's secrets go into; nil when it does not
	// exist, and without secrets.
	SecretSet *pipecat.SecretSet
}

// Read reads the agent, and finds what can never work, before anything is built.
// Errors are a *verdict.Failure, or ctx's.
func Read(ctx context.Context, api API, r Request) (Baseline, error) {
	b, err := r.readAgent(ctx, api)
	if err != nil {
		return Baseline{}, err
	}
	return r.readSet(ctx, api, b)
}

// readAgent is the baseline without the secret set.
func (r Request) readAgent(ctx context.Context, api API) (Baseline, error) {
	agent, err := api.Agent(ctx, r.Agent)
	switch {
	case missing(err) && !r.Create:
		return Baseline{}, unnamed(verdict.Inputs, err, "agent %q does not exist, and create-if-missing is false; correct agent-name, or create the agent first", r.Agent)
	case missing(err) && !r.deploys():
		return Baseline{}, unnamed(verdict.Inputs, err, "agent %q does not exist, and creating it needs an image or a build-id; correct agent-name, or set one of them", r.Agent)
	case missing(err):
		return readMissing(ctx, api, r, asError(err).Date)
	case err != nil:
		return Baseline{}, unreadable(ctx, err)
	}
	b := Baseline{Agent: agent, Region: agent.Region}
	if err := r.validate(b); err != nil {
		return Baseline{}, err
	}
	if b.Region == "" && (r.Latest || r.Source != nil) {
		b.Region, err = r.region(ctx, api)
	}
	return b, err
}

// readMissing is the baseline of an agent that does not exist.
func readMissing(ctx context.Context, api API, r Request, at time.Time) (b Baseline, err error) {
	b = Baseline{At: at, Region: r.Region}
	if err := r.validate(b); err != nil {
		return Baseline{}, err
	}
	if err := r.validateRegion(ctx, api); err != nil {
		return Baseline{}, err
	}
	b.Near = r.near(ctx, api)
	if r.Latest || r.Source != nil {
		b.Region, err = r.region(ctx, api)
	}
	return b, err
}

// asideTime is how long a read may take that is of use, but not needed.
const asideTime = 5 * time.Second

// validateRegion finds an unknown region, as far as the API lists them. It is not asked
// about the platform's own.
func (r Request) validateRegion(ctx context.Context, api API) error {
	if r.Region == "" || slices.Contains(pipecat.Regions, r.Region) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, asideTime)
	defer cancel()
	known, err := api.Regions(ctx)
	if err != nil || len(known) == 0 || slices.Contains(known, r.Region) {
		return nil
	}
	slices.Sort(known)
	hint := "there are " + strings.Join(known, ", ")
	if near := suggest.Nearest(r.Region, known); near != "" {
		hint = fmt.Sprintf("did you mean %q? (%s)", near, hint)
	}
	return failed(verdict.Inputs, nil, "unknown region %q; %s", r.Region, hint)
}

// near is an agent that may be meant by the name of one that does not exist. Names that
// differ in their numbers alone are meant to differ.
func (r Request) near(ctx context.Context, api API) string {
	ctx, cancel := context.WithTimeout(ctx, asideTime)
	defer cancel()
	names, err := api.AgentNames(ctx)
	if err != nil {
		return ""
	}
	bare := func(name string) string { return strings.TrimRight(strings.Map(noDigits, name), "-") }
	names = slices.DeleteFunc(names, func(name string) bool { return bare(name) == bare(r.Agent) })
	return suggest.Nearest(r.Agent, names)
}

func noDigits(r rune) rune {
	if r >= '0' && r <= '9' {
		return -1
	}
	return r
}

// region is where a build is looked for or made when the agent's own region is not
// known: the one that is asked for, else the organization's default.
func (r Request) region(ctx context.Context, api API) (string, error) {
	if r.Region != "" {
		return r.Region, nil
	}
	switch p, err := api.Properties(ctx); {
	case err != nil:
		return "", unreadable(ctx, err)
	case p.DefaultRegion == "":
		return "", failed(verdict.Inputs, nil, "the region of the build is not known because the organization has no default region; set region")
	default:
		return p.DefaultRegion, nil
	}
}

// validate finds what no image and no build would make right.
func (r Request) validate(b Baseline) error {
	if b.Agent != nil && r.Region != "" && b.Agent.Region != "" && r.Region != b.Agent.Region {
		return failed(verdict.Inputs, nil, "agent %q is in region %s, not in %s, and cannot move; correct region or remove it, or deploy under another name", r.Agent, b.Agent.Region, r.Region)
	}
	if auth := r.websocketAuth(b); auth == "token" && !r.CallKey && (r.Call == pipecat.Twilio || r.Call == pipecat.WebSocket) {
		return failed(verdict.Inputs, nil, "test-call: %s needs a Public key for an agent whose websocket-auth is token; set public-api-key (dashboard: Settings > API Keys > Public)", r.Call)
	}
	least, most := r.bounds(b)
	if r.Settings.AutoScaling != nil && least != nil && most != nil && *least > *most {
		return failed(verdict.Inputs, nil, "min-agents would be %d, above max-agents, which would be %d; set both", *least, *most)
	}
	if r.Warm && (least == nil || *least < 1) {
		return failed(verdict.Inputs, nil, "wait-for is warm, but no replica of agent %q is kept warm; set min-agents to 1 or more, or wait-for to ready", r.Agent)
	}
	return nil
}

// websocketAuth is how WebSockets are authorized after the change; "" where that is not
// known.
func (r Request) websocketAuth(b Baseline) string {
	if r.Settings.WebsocketAuth != "" || b.Agent == nil {
		return r.Settings.WebsocketAuth
	}
	return b.Agent.WebsocketAuth
}

// bounds are the agent's replicas after the change; nil where they are not known.
func (r Request) bounds(b Baseline) (least, most *int) {
	has := settings.Replicas(b.Agent)
	if asked := r.Settings.AutoScaling; asked != nil {
		return cmp.Or(asked.MinAgents, has.MinReplicas), cmp.Or(asked.MaxAgents, has.MaxReplicas)
	}
	return has.MinReplicas, has.MaxReplicas
}

// asError is the API's error in err; one that says nothing when there is none.
func asError(err error) *pipecat.Error {
	e := &pipecat.Error{Err: err}
	errors.As(err, &e)
	return e
}

// missing reports whether an error is the API's own word that there is no such thing.
func missing(err error) bool { return asError(err).Missing() }

// failed makes a failure whose message has the cause, or its Detail. What the API said is
// its evidence.
func failed(reason verdict.Reason, cause error, format string, args ...any) *verdict.Failure {
	f := &verdict.Failure{Status: verdict.Failed, Reason: reason, Message: fmt.Sprintf(format, args...)}
	e := asError(cause)
	f.Code = e.Code
	show := f.Show
	if e.Whole() {
		show = f.Quote
	}
	show(verdict.FromAPI, cmp.Or(e.Message, e.Body))
	return f
}

// unnamed is failed with a message that does not have the cause.
func unnamed(reason verdict.Reason, cause error, format string, args ...any) *verdict.Failure {
	f := failed(reason, cause, format, args...)
	for i := range f.Evidence {
		f.Evidence[i].Quoted = false
	}
	return f
}

// unreadable is the failure of a read that failed for good.
func unreadable(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if asError(err).Unauthorized() {
		return unauthorized(err)
	}
	return failed(verdict.API, err, "nothing was changed because the API could not be read: %v", err)
}

func unauthorized(err error) *verdict.Failure {
	return failed(verdict.Auth, err, "the API rejected the key: %v", err)
}
