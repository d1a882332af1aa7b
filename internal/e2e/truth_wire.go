package e2e

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pipecat-cloud-deploy/internal/scratch"
)

// wireCases are updates that are lost by the connection itself. Each is a way in which
// an HTTP client is allowed to send a request again, unasked.
var wireCases = []struct {
	name     string
	lose     func(c *wire, stream uint32)
	answered bool // it is answered anyway
}{
	{"HTTP/2 refused stream", func(c *wire, stream uint32) { c.write(frameReset, 0, stream, 0, 0, 0, 7) }, false},
	{"HTTP/2 stream reset by an error", func(c *wire, stream uint32) { c.write(frameReset, 0, stream, 0, 0, 0, 2) }, false},
	{"HTTP/2 stream reset to be calm", func(c *wire, stream uint32) { c.write(frameReset, 0, stream, 0, 0, 0, 11) }, false},
	{"HTTP/2 GOAWAY before the stream", func(c *wire, stream uint32) { c.goAway(stream - 2) }, false},
	{"HTTP/2 GOAWAY of all", func(c *wire, _ uint32) { c.goAway(0) }, false},
	{"HTTP/2 GOAWAY after the stream", func(c *wire, stream uint32) { c.goAway(stream); c.answer(stream, doc(d2, v2)) }, true},
	{"HTTP/2 GOAWAY after the stream, and closed", func(c *wire, stream uint32) { c.goAway(stream); _ = c.Close() }, false},
	{"HTTP/2 closed", func(c *wire, _ uint32) { _ = c.Close() }, false},
	{"HTTP/1.1 closed", func(c *wire, _ uint32) { _ = c.Close() }, false},
	{"HTTP/1.1 half an answer", func(c *wire, _ uint32) {
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{\"name\":\"demo-agent\"")
		_ = c.Close()
	}, false},
	{"HTTP/1.1 half a header", func(c *wire, _ uint32) { _, _ = io.WriteString(c, "HTTP/1.1 200"); _ = c.Close() }, false},
}

// playWire plays such an update over TLS. One that the platform has accepted is sent
// once, and found by a read; one that it has not is sent again, after a read.
func playWire(t *testing.T, run Program) {
	with := httptest.NewTLSServer(nil) // for its certificate
	defer with.Close()
	roots := x509.NewCertPool()
	roots.AddCert(with.Certificate())
	dir := scratch.Dir(t)
	for _, tt := range wireCases {
		for _, accepted := range []bool{true, false} {
			if tt.answered && !accepted {
				continue
			}
			name, script, writes := tt.name, []write{{closed, over(doc(d2, v2).ready())}, {doc(d2, v2), nil}}, 1
			if !accepted {
				name, script, writes = name+", never accepted", []write{{closed, nil}, {pending(v2), over(doc(d2, v2).ready())}}, 2
			}
			t.Run(name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					p := &platform{script: script}
					proto := map[bool]string{true: "h2", false: "http/1.1"}[strings.HasPrefix(tt.name, "HTTP/2")]
					dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
						near, far := net.Pipe()
						server := &wire{Conn: tls.Server(newOutbox(far), &tls.Config{Certificates: with.TLS.Certificates, NextProtos: []string{proto}}), platform: p, lose: tt.lose}
						go server.serve(proto)
						client := tls.Client(near, &tls.Config{RootCAs: roots, ServerName: "example.com", NextProtos: []string{"h2", "http/1.1"}, Time: with.Certificate().NotBefore.AddDate(1, 0, 0).Local})
						return client, client.HandshakeContext(ctx)
					}
					transport := &http.Transport{DialTLSContext: dial, ForceAttemptHTTP2: true}
					code, log, values := runTruth(t, run, dir, inputs("api-url", "https://example.com", "wait-timeout", "45"), transport)
					transport.CloseIdleConnections()
					p.mu.Lock()
					defer p.mu.Unlock()
					read := true
					for _, s := range p.sent {
						if s.isWrite() && !read {
							t.Error("a write without a read before it")
						}
						read = s.isRead() || read && !s.isWrite()
					}
					if sent := p.lines(sent.isWrite); code != 0 || values["status"] != "ready" || values["deployment-id"] != d2 || len(sent) != writes {
						t.Errorf("exit code %d, %d writes, outputs %v\n%s\n%s", code, len(sent), values, p.requests(), log)
					}
				})
			})
		}
	}
}

// outbox is a connection whose writes do not wait until they are read.
type outbox struct {
	net.Conn
	texts chan []byte
	once  sync.Once
}

func newOutbox(conn net.Conn) *outbox {
	o := &outbox{Conn: conn, texts: make(chan []byte, 100)}
	go func() {
		defer conn.Close()
		for text := range o.texts {
			if _, err := conn.Write(text); err != nil {
				for range o.texts { // until it is closed
				}
			}
		}
	}()
	return o
}

func (o *outbox) Write(p []byte) (int, error) {
	o.texts <- slices.Clone(p)
	return len(p), nil
}

func (o *outbox) Close() error {
	o.once.Do(func() { close(o.texts) })
	return nil
}

// Types and flags of the frames of https://www.rfc-editor.org/rfc/rfc9113
const (
	frameData     = 0
	frameHeaders  = 1
	frameReset    = 3
	frameSettings = 4
	framePing     = 6
	frameGoAway   = 7

	flagAck        = 1
	flagEndStream  = 1
	flagEndHeaders = 4
)

// wire is the server's end of a connection to a platform. A request with a body is the
// update, the first of which is lost; one without is a read of the agent.
type wire struct {
	net.Conn
	platform *platform
	lose     func(c *wire, stream uint32)
}

func (c *wire) serve(proto string) {
	defer c.Close()
	r := bufio.NewReader(c)
	if proto != "h2" {
		for {
			req, err := http.ReadRequest(r)
			if err != nil {
				return
			}
			_, _ = io.Copy(io.Discard, req.Body)
			got, lost := c.request(req.Method)
			if lost {
				c.lose(c, 0)
				return
			}
			_ = got.Write(c)
		}
	}
	if _, err := r.Discard(len("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")); err != nil {
		return
	}
	c.write(frameSettings, 0, 0)
	for {
		var head [9]byte
		if _, err := io.ReadFull(r, head[:]); err != nil {
			return
		}
		payload := make([]byte, binary.BigEndian.Uint32(head[:4])>>8)
		if _, err := io.ReadFull(r, payload); err != nil {
			return
		}
		kind, flags, stream := head[3], head[4], binary.BigEndian.Uint32(head[5:])
		switch {
		case kind == frameSettings && flags&flagAck == 0:
			c.write(frameSettings, flagAck, 0)
		case kind == framePing && flags&flagAck == 0:
			c.write(framePing, flagAck, 0, payload...)
		case (kind == frameHeaders || kind == frameData) && flags&flagEndStream != 0:
			got, lost := c.request(map[byte]string{frameHeaders: http.MethodGet, frameData: http.MethodPost}[kind])
			if lost {
				c.lose(c, stream)
				continue
			}
			body, _ := io.ReadAll(got.Body)
			c.answerText(stream, body)
		}
	}
}

// request is what the platform answers, and whether that is lost.
func (c *wire) request(method string) (got *http.Response, lost bool) {
	a := answerOf(c.platform.answer(sent{at: time.Now(), line: method + " /v1/agents/demo-agent"}))
	c.platform.mu.Lock()
	lost = method == http.MethodPost && c.platform.played == 1
	c.platform.mu.Unlock()
	if lost {
		return nil, true
	}
	recorder := httptest.NewRecorder()
	a.write(recorder, false)
	got = recorder.Result()
	got.ContentLength = int64(recorder.Body.Len())
	return got, false
}

// goAway ends the connection but for the streams up to one.
func (c *wire) goAway(last uint32) {
	c.write(frameGoAway, 0, 0, append(binary.BigEndian.AppendUint32(nil, last), 0, 0, 0, 0)...)
}

// answer answers with a document.
func (c *wire) answer(stream uint32, a any) {
	recorder := httptest.NewRecorder()
	answerOf(a).write(recorder, false)
	c.answerText(stream, recorder.Body.Bytes())
}

// answerText answers with 200, which is number 8 of the static table of
// https://www.rfc-editor.org/rfc/rfc7541
func (c *wire) answerText(stream uint32, text []byte) {
	c.write(frameHeaders, flagEndHeaders, stream, 0x80|8)
	c.write(frameData, flagEndStream, stream, text...)
}

// write writes a frame. A connection that is gone shows when it is read.
func (c *wire) write(kind, flags byte, stream uint32, payload ...byte) {
	head := binary.BigEndian.AppendUint32(nil, uint32(len(payload))<<8|uint32(kind))
	head = binary.BigEndian.AppendUint32(append(head, flags), stream)
	_, _ = c.Write(append(head, payload...))
}
