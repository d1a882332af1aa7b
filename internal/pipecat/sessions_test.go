package pipecat

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
)

// TestSessionState holds what the states of a session say: what nobody knows says
// nothing.
func TestSessionState(t *testing.T) {
	for doc, want := range map[string]string{
		`{}`: "live",
		`{"endedAt":null,"completionStatus":null}`:                              "live",
		`{"endedAt":"2026-08-01T12:00:00Z"}`:                                    "over",
		`{"createdAt":"2026-08-01T12:00:01Z","endedAt":"2026-08-01T12:00:00Z"}`: "over", // by another clock
		`{"createdAt":null,"endedAt":null,"events":null,"endState":null}`:       "live",
		`{"completionStatus":"HTTP_COMPLETED"}`:                                 "over",
		`{"completionStatus":"WS_CONNECTION_CLOSED"}`:                           "over",
		`{"completionStatus":"SOMETHING_NEW"}`:                                  "live",
		`{"completionStatus":"ACTIVE","endedAt":null}`:                          "live",
		`{"completionStatus":"SOMETHING_NEW","endedAt":"2026-08-01T12:00:00Z"}`: "over",
		`{"completionStatus":500}`:                                              "over failed",
		`{"completionStatus":200}`:                                              "over",
		`{"completionStatus":0}`:                                                "live",
		`{"completionStatus":"1"}`:                                              "live",
		`{"completionStatus":{"code":500}}`:                                     "live",
		`{"completionStatus":"HTTP_COMPLETED","endedAt":946684805}`:             "over",
		`{"completionStatus":"200"}`:                                            "over",
		`{"completionStatus":"500"}`:                                            "over failed",
		`{"completionStatus":"http_error"}`:                                     "over failed",
		`{"completionStatus":"BOT_CONNECTION_TIMEOUT"}`:                         "over failed not started",
		`{"endState":"agent_start_timeout"}`:                                    "over failed not started",
		`{"endState":"ended_before_agent_start"}`:                               "over failed not started",
		`{"endState":"something_new"}`:                                          "live",
		`{"endState":{"code":7},"completionStatus":"HTTP_ERROR"}`:               "over failed",
		`{"endedAt":946684805}`:                                                 "unclear",
		`{"endedAt":"2000-01-01 00:00:05"}`:                                     "unclear",
		`{"endedAt":""}`:                                                        "unclear",
		`{"events":[{"eventCode":"SESSION_START_INITIATED"}]}`:                  "live",
		`{"events":[{"eventCode":"SESSION_COMPLETED"},7,"what"]}`:               "over",
		`{"events":"what","botStartSeconds":1.5,"coldStart":"yes"}`:             "live",
	} {
		var s Session
		if err := json.Unmarshal([]byte(doc), &s); err != nil {
			t.Fatalf("%s: %v", doc, err)
		}
		got := "unclear"
		switch {
		case s.Over():
			got = "over"
		case s.Live():
			got = "live"
		}
		if s.Failed() {
			got += " failed"
		}
		if s.NotStarted() {
			got += " not started"
		}
		if got != want {
			t.Errorf("%s: %s, want %s", doc, got, want)
		}
	}
}

// TestPublicRoutes holds what a start and an offer send, and where the Public key goes.
func TestPublicRoutes(t *testing.T) {
	var asked []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body map[string]any
		_ = json.NewDecoder(r.Body).Decode(&body)
		data, _ := json.Marshal(body)
		asked = append(asked, fmt.Sprint(r.Method, " ", r.URL.Path, " ", r.Header.Get("Authorization"), " ", string(data)))
		_, _ = w.Write([]byte(`{"sessionId":"s1","sdp":"v=0","token":"t1","wsUrl":"wss://x.test/ws",
			"iceConfig":{"iceServers":[{"urls":["stun:a"]},{"urls":"turn:b","username":"u","credential":"c"},7]}}`))
	}))
	defer server.Close()
	base, err := url.Parse(server.URL + "/v1")
	if err != nil {
		t.Fatal(err)
	}
	c := NewPublicClient(base, "pk_right", "", server.Client().Transport)
	started, err := c.Start(t.Context(), "my bot", StartRequest{Transport: "webrtc", ICEServers: true, Body: map[string]any{"a": 1}})
	if err != nil || started.SessionID != "s1" || started.Token != "t1" || len(started.ICE.Servers) != 2 || started.ICE.Servers[1].URLs[0] != "turn:b" {
		t.Errorf("%+v, %v", started, err)
	}
	if answer, err := c.Offer(t.Context(), "my bot", "s1", "v=0 offer"); err != nil || answer != "v=0" {
		t.Errorf("%q, %v", answer, err)
	}
	want := []string{
		`POST /v1/public/my bot/start Bearer pk_right {"body":{"a":1},"enableDefaultIceServers":true,"transport":"webrtc"}`,
		`POST /v1/public/my bot/sessions/s1/api/offer Bearer pk_right {"sdp":"v=0 offer","type":"offer"}`,
	}
	if strings.Join(asked, "\n") != strings.Join(want, "\n") {
		t.Errorf("asked:\n%s", strings.Join(asked, "\n"))
	}
}

// TestStarted holds which responses to a start are none: by one without a session nobody
// can be called, but for a WebSocket.
func TestStarted(t *testing.T) {
	for _, tt := range []struct {
		answer, transport string
		ok                bool
	}{
		{`{"sessionId":"s"}`, WebRTC, true},
		{`{"sessionId":"s"}`, "", true},
		{`{}`, WebRTC, false},
		{`{"sessionId":null,"token":null,"wsUrl":null,"iceConfig":null}`, "", false},
		{`{"sessionId":7}`, WebRTC, false},
		{`{"token":"t","wsUrl":"wss://x.test/ws"}`, WebSocket, true},
		{`{"sessionId":null,"token":null,"wsUrl":null,"iceConfig":null,"body":null}`, WebSocket, true},
		{``, WebSocket, false},
		{`<html>`, WebSocket, false},
		{`null`, WebSocket, false},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(tt.answer)) }))
		base, err := url.Parse(server.URL + "/v1")
		if err != nil {
			t.Fatal(err)
		}
		_, err = NewPublicClient(base, "pk_right", "", server.Client().Transport).Start(t.Context(), "bot", StartRequest{Transport: tt.transport})
		var failed *Error
		if (err == nil) != tt.ok || err != nil && (!errors.As(err, &failed) || !failed.Temporary() || failed.Status != 200) {
			t.Errorf("%s by %q: %v", tt.answer, tt.transport, err)
		}
		server.Close()
	}
}

// TestSessionsListed holds that a list which shows nothing is no empty one.
func TestSessionsListed(t *testing.T) {
	for answer, want := range map[string]int{ // -1: an error
		`{"sessions":[{"sessionId":"a","botStartSeconds":"2"},{"sessionId":"b","createdAt":"2026-08-01T12:00:00Z","endState":{},"events":7}]}`:     2,
		`{"sessions":[{"sessionId":"b","completionStatus":500},{"createdAt":"2026-08-01T12:00:00Z"},{"sessionId":7},"what",["a"],null]}`:           1,
		`{"total_count":2,"sessions":[{"sessionId":7},"what"]}`:                                                                                    -1,
		`{"total_count":2,"sessions":[{"sessionId":"a","createdAt":"2026-08-01T12:00:00Z"},{"sessionId":"b","createdAt":"2026-08-01T12:00:01Z"}]}`: 2,
		`{"total_count":0,"sessions":[]}`:    0,
		`{"sessions":[]}`:                    0,
		`{"total_count":0,"sessions":null}`:  0,
		`{"total_count":0}`:                  0,
		`{"total_count":3,"sessions":null}`:  -1,
		`{"total_count":3,"sessions":"odd"}`: -1,
		`{"sessions":null}`:                  -1,
		`{}`:                                 -1,
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(answer)) }))
		base, err := url.Parse(server.URL + "/v1")
		if err != nil {
			t.Fatal(err)
		}
		sessions, err := (&Client{Base: base, Key: "k", Transport: server.Client().Transport}).Sessions(t.Context(), "bot", SessionFilter{})
		if (err != nil) != (want < 0) || err == nil && len(sessions) != want || want == 2 && sessions[0].ID != "b" {
			t.Errorf("%s: %v, %v", answer, sessions, err)
		}
		server.Close()
	}
}

// TestSessionRead holds that only a document of the session that was asked for is one.
func TestSessionRead(t *testing.T) {
	for answer, want := range map[string]string{ // its completion status; "-": an error
		`{"sessionId":"s"}`: "",
		`{"sessionId":"s","completionStatus":500,"botStartSeconds":"2"}`:  "500",
		`{"sessionId":"s","completionStatus":"HTTP_ERROR","endState":{}}`: "HTTP_ERROR",
		`{"sessionId":"s","completionStatus":null,"endedAt":null}`:        "",
		`{}`:                            "-",
		`null`:                          "-",
		`{"sessionId":null}`:            "-",
		`{"sessionId":7}`:               "-",
		`{"sessionId":"t"}`:             "-",
		`{"session":{"sessionId":"s"}}`: "-",
		`{"message":"ok"}`:              "-",
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(answer)) }))
		base, err := url.Parse(server.URL + "/v1")
		if err != nil {
			t.Fatal(err)
		}
		s, err := (&Client{Base: base, Key: "k", Transport: server.Client().Transport}).Session(t.Context(), "bot", "s")
		var failed *Error
		if (err != nil) != (want == "-") || err == nil && (s.ID != "s" || s.CompletionStatus != want) || err != nil && (!errors.As(err, &failed) || !failed.Temporary()) {
			t.Errorf("%s: %+v, %v", answer, s, err)
		}
		server.Close()
	}
}

// TestSessionLog holds which answers are a log that was read, and that an entry may have
// several lines.
func TestSessionLog(t *testing.T) {
	for answer, want := range map[string]string{ // "-": an error
		`{"logs":[]}`:                                            "",
		`{"logs":null,"total":{"value":0}}`:                      "",
		`{"logs":[{"log":"b\nc\n"},{"log":"a"}]}`:                "a|b|c",
		`{"logs":[{"log":"c\n"},{"log":"a\n\nb"},{"log":"no"}]}`: "a||b|c",
		`{"message":"logs are off"}`:                             "-",
		`{"logs":null}`:                                          "-",
		`{"logs":"off"}`:                                         "-",
		`{"logs":[7]}`:                                           "-",
		`{}`:                                                     "-",
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(answer)) }))
		base, err := url.Parse(server.URL + "/v1")
		if err != nil {
			t.Fatal(err)
		}
		lines, err := (&Client{Base: base, Key: "k", Transport: server.Client().Transport}).SessionLogs(t.Context(), "bot", "s", 2)
		var texts []string
		for _, l := range lines {
			texts = append(texts, l.Text)
		}
		if got := strings.Join(texts, "|"); (err != nil) != (want == "-") || err == nil && got != want {
			t.Errorf("%s: %q, %v", answer, got, err)
		}
		server.Close()
	}
}

// TestSessionLogs holds that the last lines of a session are read, the oldest first.
func TestSessionLogs(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Encode() != "limit=2&order=desc&sessionId=s" {
			t.Errorf("asked for %s", r.URL)
		}
		_, _ = w.Write([]byte(`{"logs":[{"log":"third"},{"log":"second"},{"log":"first"}]}`))
	}))
	defer server.Close()
	base, err := url.Parse(server.URL + "/v1")
	if err != nil {
		t.Fatal(err)
	}
	lines, err := (&Client{Base: base, Key: "k", Transport: server.Client().Transport}).SessionLogs(t.Context(), "bot", "s", 2)
	if err != nil || len(lines) != 2 || lines[0].Text != "second" || lines[1].Text != "third" {
		t.Errorf("%v, %v", lines, err)
	}
}

// TestEndSession holds which responses say that a session has ended.
func TestEndSession(t *testing.T) {
	for answer, ok := range map[string]bool{`{"status":"terminated","session_id":"s"}`: true, `{"status":"TERMINATED"}`: true, `{"status":"pending"}`: false,
		`204`: true, `202`: true, `500`: false, ``: true, " \n": true, `{}`: false, `null`: false, `<html>`: false} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method != http.MethodDelete || r.URL.Path != "/v1/agents/bot/sessions/s" {
				t.Errorf("%s %s", r.Method, r.URL)
			}
			if status, err := strconv.Atoi(answer); err == nil {
				w.WriteHeader(status)
			} else {
				_, _ = w.Write([]byte(answer))
			}
		}))
		base, err := url.Parse(server.URL + "/v1")
		if err != nil {
			t.Fatal(err)
		}
		err = (&Client{Base: base, Key: "k", Transport: server.Client().Transport}).EndSession(t.Context(), "bot", "s")
		if (err == nil) != ok {
			t.Errorf("%s: %v", answer, err)
		}
		server.Close()
	}
}
