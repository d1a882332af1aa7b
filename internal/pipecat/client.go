// Package pipecat speaks the Pipecat Cloud REST API: one client, the types of
// its requests and answers, and one error type.
//
// It follows https://docs.pipecat.ai/api-reference/pipecat-cloud/rest-reference/overview
// and knows nothing of GitHub.
package pipecat

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/go-retryablehttp"

	"pipecat-cloud-deploy/internal/pacing"
)

const (
	maxAnswer  = 8 << 20   // bytes of an answer that are read
	maxKept    = 2 << 20   // bytes of it that are kept
	maxText    = 128 << 10 // bytes of one of its texts that are kept, about
	maxLenient = 1 << 20   // bytes of an answer in which odd fields are looked for

	// Limits of one request, from dialling to the answer's last byte.
	readLimit  = 10 * time.Second
	writeLimit = 30 * time.Second
)

// Client calls the API. Its fields may be set before the first call; copies
// share nothing but the Transport. Methods return an *Error for all that goes
// wrong, and may be called concurrently.
type Client struct {
	// Base is the API's address with its version, such as
	// https://api.pipecat.daily.co/v1.
	Base *url.URL
	// Key is a Private API key. It goes to Base's origin and nowhere else:
	// redirects are not followed.
	Key string
	// UserAgent names the caller. Empty means Go's default.
	UserAgent string
	// Transport carries the requests; nil means http.DefaultTransport.
	Transport http.RoundTripper
	// Retries is how many more times a read is tried when it fails in a way
	// that may pass. Writes are sent once, always.
	Retries int
	// Retrying is called before each of them with what failed and how long the
	// client waits. It may be nil.
	Retrying func(err *Error, wait time.Duration)
	// Public starts sessions, with a separate key; nil: there is none.
	Public *PublicClient
}

// Agent reads the agent called name.
//
// https://docs.pipecat.ai/api-reference/pipecat-cloud/rest-reference/endpoint/agent-get
//
// A document of another name, or one that names no deployment, is no evidence of
// anything: it is an error that may pass.
func (c *Client) Agent(ctx context.Context, name string) (*Agent, error) {
	answer := agentAnswer{asked: name}
	if err := c.get(ctx, &answer, "agents", name); err != nil {
		return nil, err
	}
	return &answer.Agent, nil
}

// agentAnswer is the document of the agent that was asked for.
type agentAnswer struct {
	Agent
	asked string
}

// UnmarshalJSON reads the Agent by itself, so that the path of an odd field is the
// document's.
func (a *agentAnswer) UnmarshalJSON(data []byte) error { return json.Unmarshal(data, &a.Agent) }

// reset keeps what was asked for.
func (a *agentAnswer) reset() { a.Agent = Agent{} }

// validate returns an error for a document that is no evidence.
func (a *agentAnswer) validate() error {
	switch {
	case a.Name != "" && a.Name != a.asked:
		return fmt.Errorf("it is of the agent %.100q", a.Name)
	case a.Desired() == "":
		return errors.New("it names no deployment")
	}
	return nil
}

// CreateAgent creates an agent, and sends its request once. The answer names
// the deployment that is desired now.
func (c *Client) CreateAgent(ctx context.Context, r CreateRequest) (*Agent, error) {
	return c.deploy(ctx, r.ServiceName, r, "agents")
}

// UpdateAgent updates the agent called name, and sends its request once. The
// answer names the deployment that is desired now.
//
// https://docs.pipecat.ai/api-reference/pipecat-cloud/rest-reference/endpoint/agent-update
func (c *Client) UpdateAgent(ctx context.Context, name string, r UpdateRequest) (*Agent, error) {
	return c.deploy(ctx, name, r, "agents", name)
}

func (c *Client) deploy(ctx context.Context, name string, request any, path ...string) (*Agent, error) {
	answer := agentAnswer{asked: name}
	if err := c.post(ctx, request, &answer, path...); err != nil {
		return nil, err
	}
	return &answer.Agent, nil
}

// Logs reads the last lines that a deployment of the agent called name has
// printed: at most n, the oldest first.
func (c *Client) Logs(ctx context.Context, name, deploymentID string, n int) ([]LogLine, error) {
	var answer struct {
		Logs logLines `json:"logs"`
	}
	query := url.Values{"deploymentId": {deploymentID}, "limit": {strconv.Itoa(n)}, "order": {"desc"}}
	if err := c.query(ctx, &answer, query, "agents", name, "logs"); err != nil {
		return nil, err
	}
	lines := slices.DeleteFunc(answer.Logs, func(l LogLine) bool { return l.DeploymentID != "" && l.DeploymentID != deploymentID })
	lines = lines[:min(n, len(lines))]
	slices.Reverse(lines)
	return lines, nil
}

// Build reads the cloud build with the given id, a UUID.
func (c *Client) Build(ctx context.Context, id string) (*Build, error) {
	var answer buildAnswer
	if err := c.get(ctx, &answer, "builds", id); err != nil {
		return nil, err
	}
	if got := answer.Build.ID; got != "" && !strings.EqualFold(got, id) {
		return nil, fmt.Errorf("the API answers with build %q, and was asked for %q", got, id)
	}
	answer.Build.ID = id
	return answer.Build, nil
}

// SecretSet reads the secret set called name: its state and the names of its
// keys. The platform answers 400 for an image pull secret set.
func (c *Client) SecretSet(ctx context.Context, name string) (*SecretSet, error) {
	var s SecretSet
	if err := c.get(ctx, &s, "secrets", name); err != nil {
		return nil, err
	}
	return &s, nil
}

// SecretSets lists the secret sets and the image pull secret sets, with their
// states.
func (c *Client) SecretSets(ctx context.Context) ([]SecretSet, error) {
	var answer struct {
		Sets List[SecretSet] `json:"sets"`
	}
	if err := c.get(ctx, &answer, "secrets"); err != nil {
		return nil, err
	}
	return answer.Sets, nil
}

// AgentNames lists the organization's agents.
func (c *Client) AgentNames(ctx context.Context) (names []string, err error) {
	var answer struct {
		Services List[struct {
			Name string `json:"name"`
		}] `json:"services"`
	}
	if err := c.get(ctx, &answer, "agents"); err != nil {
		return nil, err
	}
	for _, s := range answer.Services {
		names = append(names, s.Name)
	}
	return names, nil
}

// Regions lists the codes of the regions that the organization may use.
func (c *Client) Regions(ctx context.Context) (codes []string, err error) {
	var answer struct {
		Regions List[struct {
			Code string `json:"code"`
		}] `json:"regions"`
	}
	if err := c.get(ctx, &answer, "regions"); err != nil {
		return nil, err
	}
	for _, r := range answer.Regions {
		codes = append(codes, r.Code)
	}
	return codes, nil
}

// PutSecrets puts values into the secret set called name, in one request that is
// sent once, and creates the set when it is missing, in the given region; "" is the
// set's own, or else the organization's default. Other keys of the set stay. The
// platform provisions the set later: see SecretSet. It returns the set's region.
//
// https://docs.pipecat.ai/api-reference/pipecat-cloud/rest-reference/endpoint/secret-upsert
func (c *Client) PutSecrets(ctx context.Context, name, region string, values []SecretValue) (string, error) {
	var answer putAnswer
	body := struct {
		Secrets []SecretValue `json:"secrets"`
		Region  string        `json:"region,omitempty"`
	}{values, region}
	err := c.send(ctx, http.MethodPut, writeLimit, body, &answer, "secrets", name)
	return answer.Region, err
}

// Properties reads the organization's properties.
func (c *Client) Properties(ctx context.Context) (*Properties, error) {
	var answer propertiesAnswer
	if err := c.get(ctx, &answer, "properties"); err != nil {
		return nil, err
	}
	return answer.Properties, nil
}

func (c *Client) get(ctx context.Context, out any, path ...string) error {
	return c.query(ctx, out, nil, path...)
}

// query reads a JSON object into out, trying again as c.Retries says.
func (c *Client) query(ctx context.Context, out any, query url.Values, path ...string) error {
	u := c.Base.JoinPath(escape(path)...)
	u.RawQuery = query.Encode()
	req, err := retryablehttp.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return &Error{Method: http.MethodGet, URL: redact(c.Base), Err: err}
	}
	c.headers(req.Request)

	var failure *Error
	retrying := retryablehttp.Client{
		HTTPClient:   c.http(readLimit),
		RetryMax:     c.Retries,
		RetryWaitMin: 500 * time.Millisecond,
		RetryWaitMax: 8 * time.Second,
		// The answer is read here, so that half an answer is tried again too.
		CheckRetry: func(ctx context.Context, resp *http.Response, err error) (bool, error) {
			failure = c.answer(req.Request, resp, err, out)
			return failure != nil && failure.Temporary(), ctx.Err()
		},
		Backoff: func(least, most time.Duration, n int, resp *http.Response) time.Duration {
			wait := retryablehttp.DefaultBackoff(least, most, n, nil)
			if failure.RetryAfter > 0 {
				wait = min(failure.RetryAfter, pacing.MaxRetryAfter)
			}
			if c.Retrying != nil {
				c.Retrying(failure, wait)
			}
			return wait
		},
		ErrorHandler: retryablehttp.PassthroughErrorHandler,
	}
	// What came of it is in failure, but for a context that ended between tries.
	_, err = retrying.Do(req)
	switch {
	case failure != nil:
		return failure
	case err != nil:
		return c.answer(req.Request, nil, err, out)
	}
	return nil
}

// post sends a JSON body once and reads a JSON object into out.
func (c *Client) post(ctx context.Context, body, out any, path ...string) error {
	return c.send(ctx, http.MethodPost, writeLimit, body, out, path...)
}

// send sends a request that writes once, with a JSON body unless that is nil, and
// reads a JSON object into out.
func (c *Client) send(ctx context.Context, method string, limit time.Duration, body, out any, path ...string) error {
	u := c.Base.JoinPath(escape(path)...)
	var data []byte
	var err error
	if body != nil {
		data, err = json.Marshal(body)
	}
	if err != nil {
		return &Error{Method: method, URL: redact(u), Err: err}
	}
	req, err := http.NewRequestWithContext(ctx, method, u.String(), bytes.NewReader(data))
	if err != nil {
		return &Error{Method: method, URL: redact(u), Err: err}
	}
	// Without it the transport cannot send the request a second time by itself, as it
	// would on REFUSED_STREAM, GOAWAY, and a connection that closes while it is idle.
	req.GetBody = nil
	c.headers(req)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := c.http(limit).Do(req)
	if failure := c.answer(req, resp, err, out); failure != nil {
		return failure
	}
	return nil
}

func (c *Client) headers(req *http.Request) {
	req.Header.Set("Authorization", "Bearer "+c.Key)
	req.Header.Set("Accept", "application/json")
	if c.UserAgent != "" {
		req.Header.Set("User-Agent", c.UserAgent)
	}
}

func (c *Client) http(limit time.Duration) *http.Client {
	return &http.Client{
		Transport:     c.Transport,
		Timeout:       limit,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// answer reads what came back of one request, and closes it. It returns nil
// when that was a 2xx with a valid JSON object, which is then in out, or an empty one
// where out says that it may be.
func (c *Client) answer(req *http.Request, resp *http.Response, err error, out any) *Error {
	e := &Error{Method: req.Method, URL: redact(req.URL)}
	if err != nil {
		if inner := (*url.Error)(nil); errors.As(err, &inner) {
			err = inner.Err // the address is in e already, redacted
		}
		e.Err = err
		return e
	}
	defer resp.Body.Close()
	e.Status = resp.StatusCode
	e.Date, _ = http.ParseTime(resp.Header.Get("Date"))
	e.RetryAfter = retryAfter(resp.Header.Get("Retry-After"), e.Date)

	kept := truncator{maxText: maxText}
	if large, ok := out.(interface{ maxBytes() int }); ok {
		kept.maxBytes = large.maxBytes()
	}
	n, err := io.CopyBuffer(&kept, io.LimitReader(resp.Body, maxAnswer+1), make([]byte, 4<<10))
	body := kept.out
	shown := body[:min(len(body), maxErrorBody)]
	if c.Key != "" {
		shown = bytes.ReplaceAll(shown, []byte(c.Key), []byte("***"))
		if len(body) > maxErrorBody { // it may end with the beginning of one
			shown = shown[:max(0, len(shown)-len(c.Key))]
		}
	}
	e.Body = string(shown[:min(len(shown), maxErrorBody)])
	switch {
	case resp.StatusCode >= 300 && resp.StatusCode < 400:
		e.Message = "the API redirects, which is not followed so that the key goes nowhere else"
		if to, err := resp.Location(); err == nil {
			e.Message += ": " + redact(to)
		}
		return e
	case resp.StatusCode < 200 || resp.StatusCode >= 300:
		e.Code, e.Message, e.FromAPI = parseErrorResponse(body, c.Key)
		return e
	case n > maxAnswer:
		e.Err = errTooLarge
		return e
	case err != nil:
		e.Err = err
		return e
	}
	if _, ok := out.(interface{ mayBeEmpty() }); ok && len(bytes.TrimSpace(body)) == 0 {
		return nil
	}
	if err := decode(body, out); err != nil {
		e.Err = err
		return e
	}
	if c.Key != "" {
		redactKey(reflect.ValueOf(out), c.Key)
	}
	if answer, ok := out.(interface{ validate() error }); ok {
		if e.Err = answer.validate(); e.Err != nil {
			return e
		}
	}
	return nil
}

// redactKey keeps the key out of the texts of an answer, and what may be half of it
// where something was cut out.
func redactKey(v reflect.Value, key string) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			redactKey(v.Elem(), key)
		}
	case reflect.Struct:
		for _, field := range v.Fields() {
			redactKey(field, key)
		}
	case reflect.Slice:
		for i := range v.Len() {
			redactKey(v.Index(i), key)
		}
	case reflect.Map:
		for _, name := range v.MapKeys() {
			value := reflect.New(v.Type().Elem()).Elem()
			value.Set(v.MapIndex(name))
			redactKey(value, key)
			v.SetMapIndex(name, value)
		}
	case reflect.String:
		if !v.CanSet() {
			return // a time's
		}
		s := strings.ReplaceAll(v.String(), key, "***")
		if head, tail, cut := strings.Cut(s, cutOut); cut {
			s = head[:max(0, len(head)-len(key))] + "\n" + cutOut + "\n" + tail[min(len(tail), len(key)):]
		}
		v.SetString(s)
	}
}

// decode reads a JSON object into out. A field of a type that this client does
// not know is as if it were missing: the platform may grow.
func decode(body []byte, out any) error {
	body = bytes.TrimSpace(bytes.TrimPrefix(body, []byte("\ufeff"))) // which some servers begin a text with
	if len(body) == 0 {
		return errors.New("it is empty")
	}
	if body[0] != '{' {
		return errors.New("it is not a JSON object")
	}
	clearAnswer(out) // of a try before, which a null would leave as it is
	for {
		err := json.Unmarshal(body, out)
		odd := (*json.UnmarshalTypeError)(nil)
		if !errors.As(err, &odd) || len(body) > maxLenient {
			return err
		}
		clearAnswer(out) // what is read beside it may hold half of the odd field
		var found bool
		if body, found = without(body, strings.Split(odd.Field, ".")); !found {
			_ = json.Unmarshal(body, out) // as much as there is
			return nil
		}
	}
}

// clearAnswer forgets what was read into out.
func clearAnswer(out any) {
	if answer, ok := out.(interface{ reset() }); ok {
		answer.reset()
	} else {
		reflect.ValueOf(out).Elem().SetZero()
	}
}

// without removes a field from a JSON object, in any of the spellings that
// encoding/json takes for it, and with it the list that it is in, if any.
func without(body []byte, path []string) (rest []byte, found bool) {
	var tree map[string]json.RawMessage
	if json.Unmarshal(body, &tree) != nil {
		return body, false
	}
	for name, value := range tree {
		if !strings.EqualFold(name, path[0]) {
			continue
		}
		if len(path) == 1 || value[0] != '{' {
			delete(tree, name)
			found = true
			continue
		}
		inner, ok := without(value, path[1:])
		tree[name] = inner
		found = found || ok
	}
	rest, err := json.Marshal(tree)
	return rest, found && err == nil
}

func escape(path []string) []string {
	escaped := make([]string, len(path))
	for i, p := range path {
		escaped[i] = url.PathEscape(p)
	}
	return escaped
}
