package e2e

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
)

// wireCases are updates that are accepted and then lost by the connection itself. Each
// is a way in which an HTTP client is allowed to send a request again, unasked.
var wireCases = []struct {
	name  string
	proto string
	lose  func(c *h2Conn, stream uint32) // nil: HTTP/1.1, and the connection is closed
}{
	{"HTTP/2 refused stream", "h2", func(c *h2Conn, stream uint32) { c.write(frameReset, 0, stream, 0, 0, 0, 7) }},
	{"HTTP/2 stream reset by an error", "h2", func(c *h2Conn, stream uint32) { c.write(frameReset, 0, stream, 0, 0, 0, 2) }},
	{"HTTP/2 GOAWAY before the stream", "h2", func(c *h2Conn, stream uint32) {
		c.write(frameGoAway, 0, 0, append(binary.BigEndian.AppendUint32(nil, stream-2), 0, 0, 0, 0)...)
	}},
	{"HTTP/2 GOAWAY after the stream", "h2", func(c *h2Conn, stream uint32) {
		c.write(frameGoAway, 0, 0, append(binary.BigEndian.AppendUint32(nil, stream), 0, 0, 0, 0)...)
		c.answer(stream, doc(d2, v2))
	}},
	{"HTTP/2 closed", "h2", func(c *h2Conn, _ uint32) { c.Close() }},
	{"HTTP/1.1 closed", "http/1.1", nil},
}

// playWire plays such an update over TLS: it is sent once, found by a read, and the
// job is green.
func playWire(t *testing.T, run Program) {
	for _, tt := range wireCases {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := &platform{script: []write{{closed, over(doc(d2, v2).ready())}}}
			with := httptest.NewTLSServer(nil) // for its certificate
			defer with.Close()
			listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: with.TLS.Certificates, NextProtos: []string{tt.proto}})
			if err != nil {
				t.Fatal(err)
			}
			if tt.lose == nil {
				server := &http.Server{Handler: p}
				go func() { _ = server.Serve(listener) }()
				defer server.Close()
			} else {
				defer listener.Close()
				go func() {
					for {
						conn, err := listener.Accept()
						if err != nil {
							return
						}
						go (&h2Conn{Conn: conn, platform: p, lose: tt.lose}).serve()
					}
				}()
			}
			roots := x509.NewCertPool()
			roots.AddCert(with.Certificate())
			transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true}
			defer transport.CloseIdleConnections()

			code, log, values := runTruth(t, run, inputs("api-url", "https://"+listener.Addr().String()), transport)
			p.mu.Lock()
			defer p.mu.Unlock()
			if writes := p.lines(sent.isWrite); code != 0 || values["status"] != "ready" || values["deployment-id"] != d2 || len(writes) != 1 {
				t.Errorf("exit code %d, %d writes, outputs %v\n%s\n%s", code, len(writes), values, p.requests(), log)
			}
		})
	}
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

// h2Conn is the server's end of an HTTP/2 connection to a platform. A request with
// a body is the update, which is accepted and lost; one without is a read of the agent.
type h2Conn struct {
	net.Conn
	platform *platform
	lose     func(c *h2Conn, stream uint32)
}

func (c *h2Conn) serve() {
	defer c.Close()
	r := bufio.NewReader(c)
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
		case kind == frameHeaders && flags&flagEndStream != 0:
			c.answer(stream, c.platform.answer(sent{line: "GET /v1/agents/demo-agent"}))
		case kind == frameData && flags&flagEndStream != 0:
			c.platform.answer(sent{line: "POST /v1/agents/demo-agent"})
			c.lose(c, stream)
		}
	}
}

// answer answers with 200, which is number 8 of the static table of
// https://www.rfc-editor.org/rfc/rfc7541
func (c *h2Conn) answer(stream uint32, a any) {
	recorder := httptest.NewRecorder()
	answerOf(a).write(recorder, false)
	c.write(frameHeaders, flagEndHeaders, stream, 0x80|8)
	c.write(frameData, flagEndStream, stream, recorder.Body.Bytes()...)
}

// write writes a frame. A connection that is gone shows when it is read.
func (c *h2Conn) write(kind, flags byte, stream uint32, payload ...byte) {
	head := binary.BigEndian.AppendUint32(nil, uint32(len(payload))<<8|uint32(kind))
	head = binary.BigEndian.AppendUint32(append(head, flags), stream)
	_, _ = c.Write(append(head, payload...))
}
