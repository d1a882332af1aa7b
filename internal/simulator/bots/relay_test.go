package bots_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"pipecat-cloud-deploy/internal/phone"
	"pipecat-cloud-deploy/internal/simulator"
	"pipecat-cloud-deploy/internal/simulator/bots"
)

// runner is a development runner as a Relay needs it, whose bot greets if it is to.
func runner(t *testing.T) *url.URL {
	mux := http.NewServeMux()
	mux.HandleFunc("/ws-client", func(w http.ResponseWriter, r *http.Request) {
		b := bots.Bot{}
		if r.URL.Query().Get("bot") == "greets" {
			b = bots.Bots()[0]
		}
		b.ServeWebSocket(w, r)
	})
	mux.HandleFunc("POST /start", func(w http.ResponseWriter, r *http.Request) {
		data, _ := io.ReadAll(r.Body)
		if string(data) != `{"body":{"bot":"greets","test_call":true},"transport":"webrtc"}` {
			w.WriteHeader(http.StatusBadRequest)
		}
		_, _ = io.WriteString(w, `{"sessionId":"one"}`)
	})
	mux.HandleFunc("POST /sessions/one/api/offer", func(w http.ResponseWriter, r *http.Request) {
		var ask struct{ SDP, Type string }
		_ = json.NewDecoder(r.Body).Decode(&ask)
		_ = json.NewEncoder(w).Encode(map[string]string{"sdp": ask.Type + " " + ask.SDP})
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	u, err := url.Parse(server.URL + "/ws-client")
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestRelay(t *testing.T) {
	relay := bots.Relay{Runner: runner(t)}
	ended := make(chan string, 1)
	c := simulator.Call{Image: "ghcr.io/acme/bot:greets", Body: map[string]any{"test_call": true}, End: func(status string) { ended <- status }}
	cloud := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { relay.WebSocket(w, r, c) }))
	t.Cleanup(cloud.Close)
	u, err := url.Parse(cloud.URL)
	if err != nil {
		t.Fatal(err)
	}
	u.Scheme = "ws"
	call, err := phone.Make(t.Context(), phone.WebSocket{Endpoint: phone.Endpoint{URL: u}}, phone.Plan{Until: time.Now().Add(20 * time.Second)})
	if _, answered := call.Answer(); err != nil || !answered {
		t.Errorf("%+v, %v", call, err)
	}
	if status := <-ended; status != "WS_CONNECTION_CLOSED" {
		t.Error(status)
	}

	if answer, err := relay.Answer(t.Context(), c, "v=0"); answer != "offer v=0" || err != nil {
		t.Errorf("%q, %v", answer, err)
	}
	c.Image = "ghcr.io/acme/bot:other"
	if answer, err := relay.Answer(context.Background(), c, "v=0"); err == nil {
		t.Error(answer, "of a runner that refuses")
	}
}
