package simulator

import (
	"cmp"
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"time"

	"pipecat-cloud-deploy/internal/pipecat"
)

var agentName = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])$`)

func (c *Cloud) createAgent(r *http.Request) (any, *apiError) {
	var ask pipecat.CreateRequest
	if err := read(r, &ask); err != nil {
		return nil, err
	}
	if !agentName.MatchString(ask.ServiceName) || len(ask.ServiceName) > 54 {
		return nil, badRequest("Invalid parameters")
	}
	if c.agents[ask.ServiceName] != nil {
		return nil, badRequest("Service already exists")
	}
	if ask.Image == "" && ask.BuildID == "" {
		return nil, badRequest("Either image or buildId is required for service creation")
	}
	now := time.Now()
	a := &agent{name: ask.ServiceName, region: cmp.Or(ask.Region, Regions[0]), created: now, maxAgents: 50, skew: c.Skew}
	if !knownRegion(a.region) {
		return nil, badRequest("Invalid region: %s", a.region)
	}
	m := Manifest{Profile: "agent-1x", NodeType: "arm"}
	if err := c.settings(a, &m, ask.Settings, "service will be created"); err != nil {
		return nil, err
	}
	if c.agents == nil {
		c.agents = map[string]*agent{}
	}
	c.agents[a.name] = a
	c.deploy(a, m, now)
	return a.document(now), nil
}

func (c *Cloud) updateAgent(r *http.Request) (any, *apiError) {
	a := c.agents[r.PathValue("name")]
	if a == nil {
		return nil, notFound("Service not found")
	}
	var ask pipecat.UpdateRequest
	if err := read(r, &ask); err != nil {
		return nil, err
	}
	now := time.Now()
	a.settle(c, now)
	newest := a.deployments[len(a.deployments)-1]
	m := newest.manifest
	if err := c.settings(a, &m, ask.Settings, "service is"); err != nil {
		return nil, err
	}
	if m == newest.manifest && !ask.ForceRedeploy {
		doc := a.document(now)
		if ask.Image != "" || ask.BuildID != "" {
			doc["warning"] = "Configuration is unchanged, so no new deployment was created. Use forceRedeploy to create one."
		}
		return doc, nil
	}
	c.deploy(a, m, now)
	return a.document(now), nil
}

// settings checks what is asked for as the platform does, and puts it into an
// agent and its manifest. Nothing is changed when it refuses.
func (c *Cloud) settings(a *agent, m *Manifest, s pipecat.Settings, subject string) *apiError {
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
	if d := s.MaxSessionDuration; d != 0 {
		if d < 60 || d > 14400 {
			return badRequest("Invalid parameters")
		}
		m.MaxSession = d
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
	m.WebsocketAuth = cmp.Or(s.WebsocketAuth, m.WebsocketAuth)
	return nil
}

func read(r *http.Request, into any) *apiError {
	data, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil || json.Unmarshal(data, into) != nil {
		return badRequest("Invalid parameters")
	}
	return nil
}
