package deploy

import (
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pipecat-cloud-deploy/internal/config"
	"pipecat-cloud-deploy/internal/pipecat"
	"pipecat-cloud-deploy/internal/simulator"
)

func ptr[T any](v T) *T { return &v }

// TestSettings holds that what was not asked for is not sent.
func TestSettings(t *testing.T) {
	for _, tt := range []struct {
		name string
		cfg  config.Config
		from Artefact
		want pipecat.Settings
	}{
		{"nothing", config.Config{}, Artefact{}, pipecat.Settings{}},
		{"an image", config.Config{Settings: pipecat.Settings{Image: "a:b"}}, Artefact{Image: "a:b"}, pipecat.Settings{Image: "a:b"}},
		{"a build", config.Config{Settings: pipecat.Settings{BuildID: "id"}}, Artefact{Build: &pipecat.Build{ID: "id"}}, pipecat.Settings{BuildID: "id"}},
		{"one bound", config.Config{Settings: pipecat.Settings{AutoScaling: &pipecat.AutoScaling{MinAgents: ptr(0)}}}, Artefact{}, pipecat.Settings{AutoScaling: &pipecat.AutoScaling{MinAgents: ptr(0)}}},
		{"the filter off", config.Config{Settings: pipecat.Settings{KrispViva: &pipecat.KrispViva{}}}, Artefact{}, pipecat.Settings{KrispViva: &pipecat.KrispViva{}}},
		{"the filter on", config.Config{Settings: pipecat.Settings{KrispViva: &pipecat.KrispViva{AudioFilter: ptr("tel")}}}, Artefact{}, pipecat.Settings{KrispViva: &pipecat.KrispViva{AudioFilter: ptr("tel")}}},
		{"the rest", config.Config{Settings: pipecat.Settings{ImagePullSecretSet: "i", SecretSet: "s", AgentProfile: "p", MaxSessionDuration: 3600, WebsocketAuth: "token", NodeType: "arm"}}, Artefact{},
			pipecat.Settings{ImagePullSecretSet: "i", SecretSet: "s", AgentProfile: "p", MaxSessionDuration: 3600, WebsocketAuth: "token", NodeType: "arm"}},
	} {
		if got := settings(tt.cfg, tt.from); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: got %+v, want %+v", tt.name, got, tt.want)
		}
	}
}

// client is one of a handler, without a network.
func client(h http.Handler) *pipecat.Client {
	return &pipecat.Client{Base: &url.URL{Scheme: "https", Host: "api", Path: "/v1"}, Key: "sk", Transport: simulator.Transport(h), Retries: 4}
}

// TestRegions holds that a build's region is compared with the agent's where
// both are known, and only there.
func TestRegions(t *testing.T) {
	for _, tt := range []struct {
		name          string
		build, region string // of the build, and asked for
		properties    bool   // can be read
		ok            bool
	}{
		{"nothing is known", "", "", true, true},
		{"the organization's", "us-west", "", true, true},
		{"not the organization's", "us-east", "", true, false},
		{"the organization's is not known", "us-east", "", false, true},
		{"asked for", "us-east", "us-east", true, true},
		{"another is asked for", "us-east", "eu-central", true, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			var h http.Handler = &simulator.Cloud{}
			if !tt.properties {
				h = simulator.Answer(h, func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/properties") }, 500, nil, "")
			}
			cfg := config.Config{AgentName: "bot", Settings: pipecat.Settings{BuildID: "id"}, Region: tt.region, CreateIfMissing: true}
			_, err := Plan(t.Context(), client(h), cfg, Artefact{Build: &pipecat.Build{ID: "id", Region: tt.build}})
			if (err == nil) != tt.ok {
				t.Errorf("%s: %v", tt.name, err)
			}
		})
	}
}

// TestMissed holds that what there is later is held against the platform's
// clock when there was no agent, and not against ours.
func TestMissed(t *testing.T) {
	date := time.Date(2020, 2, 2, 20, 20, 20, 0, time.UTC)
	for _, tt := range []struct {
		header http.Header
		since  time.Time
	}{
		{http.Header{"Date": {date.Format(http.TimeFormat)}}, date.Add(-time.Minute)},
		{nil, time.Time{}},
	} {
		h := simulator.Answer(&simulator.Cloud{}, simulator.Reads, 404, tt.header, "{}")
		change, err := Plan(t.Context(), client(h), config.Config{AgentName: "bot", CreateIfMissing: true}, Artefact{Image: "a:b"})
		if err != nil || !change.since().Equal(tt.since) {
			t.Errorf("since %s, %v; want %s", change.since(), err, tt.since)
		}
	}
}

// TestNoRegion holds that an agent whose region is not told is not in another.
func TestNoRegion(t *testing.T) {
	h := simulator.Answer(&simulator.Cloud{}, simulator.Reads, 200, nil, `{"desiredDeploymentId":"d"}`)
	_, err := Plan(t.Context(), client(h), config.Config{AgentName: "bot", Region: "us-east"}, Artefact{Image: "a:b", Build: &pipecat.Build{Region: "us-west"}})
	if err != nil {
		t.Error(err)
	}
}
