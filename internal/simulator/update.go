package simulator

import (
	"cmp"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/distribution/reference"

	"pipecat-cloud-deploy/internal/pipecat"
)

var agentName = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])$`)

// createRequest and updateRequest are what clients ask for, with what this project's
// own does not.
type (
	createRequest struct {
		pipecat.CreateRequest
		beyond
	}
	updateRequest struct {
		pipecat.UpdateRequest
		beyond
	}
	beyond struct {
		Architecture *string `json:"architecture"`
		// These are in pipecat.Settings, too, where what is zero is as if it were absent.
		MaxSession    *int    `json:"maxSessionDuration"`
		Image         *string `json:"image"`
		BuildID       *string `json:"buildId"`
		Profile       *string `json:"agentProfile"`
		WebsocketAuth *string `json:"websocketAuth"`
	}
)

// with puts the texts into settings; it returns false for one that is there and empty.
func (more beyond) with(s *pipecat.Settings) bool {
	for into, text := range map[*string]*string{&s.Image: more.Image, &s.BuildID: more.BuildID, &s.AgentProfile: more.Profile, &s.WebsocketAuth: more.WebsocketAuth} {
		if text == nil {
			continue
		}
		if *into = *text; *text == "" {
			return false
		}
	}
	return true
}

func (c *Cloud) createAgent(r *http.Request) (any, *apiError) {
	var ask createRequest
	if err := read(r, &ask); err != nil {
		return nil, err
	}
	if !agentName.MatchString(ask.ServiceName) || len(ask.ServiceName) > 54 || !ask.with(&ask.Settings) {
		return nil, badRequest("Invalid parameters")
	}
	if c.Raced != nil && c.agents[ask.ServiceName] == nil {
		if other := c.Raced(ask.ServiceName); other != nil {
			if a, err := c.create(ask.ServiceName, ask.Region, *other, beyond{}); err == nil {
				a.newest().foreign = true
			}
		}
	}
	if a := c.agents[ask.ServiceName]; a != nil {
		switch c.ExistsStatus {
		case http.StatusOK:
			return a.document(time.Now(), time.Now()), nil
		case http.StatusConflict:
			return nil, &apiError{http.StatusConflict, "CONFLICT", "Service already exists"}
		}
		return nil, badRequest("Service already exists")
	}
	a, err := c.create(ask.ServiceName, ask.Region, ask.Settings, ask.beyond)
	if err != nil {
		return nil, err
	}
	return c.answer(a), nil
}

// create adds an agent, unless it is refused.
func (c *Cloud) create(name, region string, s pipecat.Settings, more beyond) (*agent, *apiError) {
	if s.Image == "" && s.BuildID == "" {
		return nil, badRequest("Either image or buildId is required for service creation")
	}
	now := time.Now()
	a := &agent{name: name, region: cmp.Or(region, c.defaultRegion()), created: now, maxAgents: 50, cloud: c}
	if !knownRegion(a.region) {
		return nil, badRequest("Invalid region: %s", a.region)
	}
	m := Manifest{Profile: "agent-1x", NodeType: "arm", WebsocketAuth: "none"}
	if err := c.settings(a, &m, s, more, "service will be created"); err != nil {
		return nil, err
	}
	if c.agents == nil {
		c.agents = map[string]*agent{}
	}
	c.agents[a.name] = a
	c.deploy(a, m, now)
	return a, nil
}

func (c *Cloud) updateAgent(r *http.Request) (any, *apiError) {
	a := c.agents[r.PathValue("name")]
	if a == nil {
		return nil, notFound("Service not found")
	}
	var ask updateRequest
	if err := read(r, &ask); err != nil {
		return nil, err
	}
	if !ask.with(&ask.Settings) {
		return nil, badRequest("Invalid parameters")
	}
	now := time.Now()
	a.settle(c, now)
	made, err := c.update(a, ask.Settings, ask.beyond, ask.ForceRedeploy)
	if err != nil {
		return nil, err
	}
	doc := c.answer(a)
	if made == nil && (ask.Settings.Image != "" || ask.Settings.BuildID != "") {
		doc["warning"] = "Configuration is unchanged, so no new deployment was created. Use forceRedeploy to create one."
	}
	return doc, nil
}

// update adds a deployment to an agent where one is needed, and returns it.
func (c *Cloud) update(a *agent, s pipecat.Settings, more beyond, force bool) (*deployment, *apiError) {
	newest := a.newest()
	m := newest.manifest
	if err := c.settings(a, &m, s, more, "service is"); err != nil {
		return nil, err
	}
	if m == newest.manifest && !force {
		return nil, nil
	}
	return c.deploy(a, m, time.Now()), nil
}

// answer is the document that a creation or an update is answered with.
func (c *Cloud) answer(a *agent) object {
	if c.Overtaken != nil {
		if other := c.Overtaken(a.name); other != nil {
			if d, err := c.update(a, *other, beyond{}, false); err == nil && d != nil {
				d.foreign = true
			}
		}
	}
	now := time.Now()
	if then := a.shown(now.Add(-c.AnswerLag)); then != nil {
		return then.document(now, now.Add(-c.AnswerLag))
	}
	return a.document(now, now)
}

// settings checks what is asked for as the platform does, and puts it into an
// agent and its manifest. Nothing is changed when it refuses.
func (c *Cloud) settings(a *agent, m *Manifest, s pipecat.Settings, more beyond, subject string) *apiError {
	if err := c.valid(s, more); err != nil {
		return err
	}
	if s.Image != "" && s.BuildID != "" {
		return badRequest("Cannot specify both image and buildId. Use one or the other.")
	}
	if s.BuildID != "" {
		b, ok := c.builds[s.BuildID]
		switch status := b.status(time.Now()); {
		case !ok:
			return badRequest("Build not found")
		case b.Region != a.region:
			return badRequest("Build is in region '%s' but service is in region '%s'. Builds must be in the same region as the service.", b.Region, a.region)
		case status != "success":
			return badRequest("Build is not ready (status: %s). Only successful builds can be deployed.", status)
		}
		m.BuildID, m.Image = s.BuildID, ""
	}
	if s.Image != "" {
		m.Image, m.BuildID = s.Image, ""
	}
	for _, named := range []struct {
		set  string
		pull bool
		into *string
	}{{s.SecretSet, false, &m.SecretSet}, {s.ImagePullSecretSet, true, &m.PullSecret}} {
		if named.set == "" {
			continue
		}
		what := "Secret set"
		if named.pull {
			what = "Image pull secret set"
		}
		set, ok := c.secrets[named.set]
		switch {
		case !ok || set.Pull != named.pull:
			return notFound(what + " not found")
		case set.Region != a.region:
			return badRequest("%s '%s' is in region '%s' but %s in region '%s'. Secrets must be in the same region as the service.", what, set.Name, set.Region, subject, a.region)
		case set.status(time.Now()) != "ready":
			return &apiError{http.StatusConflict, "CONFLICT", what + " '" + set.Name + "' is not yet ready"}
		}
		*named.into = named.set
	}
	m.MaxSession = cmp.Or(s.MaxSessionDuration, m.MaxSession)
	if more.MaxSession != nil {
		m.MaxSession = *more.MaxSession
	}
	if scaling := s.AutoScaling; scaling != nil {
		least, most := a.minAgents, a.maxAgents
		if scaling.MinAgents != nil {
			least = *scaling.MinAgents
		}
		if scaling.MaxAgents != nil {
			most = *scaling.MaxAgents
		}
		if least < 0 || most < 1 || least > most {
			return badRequest("Invalid parameters")
		}
		a.minAgents, a.maxAgents = least, most
	}
	if s.KrispViva != nil {
		m.AudioFilter = ""
		if s.KrispViva.AudioFilter != nil {
			m.AudioFilter = *s.KrispViva.AudioFilter
		}
	}
	m.Profile, m.NodeType = cmp.Or(s.AgentProfile, m.Profile), cmp.Or(s.NodeType, m.NodeType)
	if more.Architecture != nil { // nodeType is its deprecated alias, and is ignored beside it
		m.NodeType = strings.TrimSuffix(*more.Architecture, "64")
	}
	if s.Resources != nil {
		m.Profile, m.Resources = "", *s.Resources
	} else if s.AgentProfile != "" {
		m.Resources = pipecat.Resources{}
	}
	m.WebsocketAuth = cmp.Or(s.WebsocketAuth, m.WebsocketAuth)
	return nil
}

// valid refuses what is not one of the values that there are.
func (c *Cloud) valid(s pipecat.Settings, more beyond) *apiError {
	known := func(value string, values ...string) bool { return value == "" || slices.Contains(values, value) }
	invalid := badRequest("Invalid parameters")
	if more.MaxSession != nil {
		s.MaxSessionDuration = *more.MaxSession
	}
	switch d := s.MaxSessionDuration; {
	case !known(s.AgentProfile, slices.Collect(maps.Keys(profiles))...), !known(s.WebsocketAuth, "none", "token"):
		return invalid
	case s.KrispViva != nil && s.KrispViva.AudioFilter != nil && !slices.Contains([]string{"tel", "pro"}, *s.KrispViva.AudioFilter):
		return invalid
	case s.Image != "" && !named(s.Image):
		return invalid
	case s.Resources != nil && (!c.SelfHosted || s.AgentProfile != "" || s.Resources.CPU == "" || s.Resources.Memory == ""):
		return badRequest("resources can be set in self-hosted regions only, with both cpu and memory, and without agentProfile")
	case (d != 0 || more.MaxSession != nil) && (d < 60 || d > 14400):
		return invalid
	case more.Architecture != nil && !slices.Contains(c.architectures(), *more.Architecture):
		return invalid
	case more.Architecture == nil && s.NodeType != "" && !slices.Contains(c.architectures(), s.NodeType+"64"):
		return invalid
	}
	return nil
}

// named reports whether an image is a reference with a tag or a digest.
func named(image string) bool {
	ref, err := reference.ParseNormalizedNamed(image)
	return err == nil && !reference.IsNameOnly(ref)
}

func read(r *http.Request, into any) *apiError {
	data, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil || json.Unmarshal(data, into) != nil {
		return badRequest("Invalid parameters")
	}
	return nil
}
