#include <arpa/inet.h>
#include <errno.h>
#include <grp.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys_peers.h"
#include "tap.h"

#define USER 47110
#define GROUP 47111

static const gid_t other_groups[] = {47112, 47113};

/* How a client parts from its connection. */
enum parting { STAYS, CLOSES, RESETS, SHUTS };

/* A client of its own user, which writes, and then parts. */
struct client {
	int pid;
	int connection; /* our end */
	int tell;	/* a byte: part; nothing more: end */
	int told;	/* a byte: it has parted */
};

static void part(int fd, enum parting parting)
{
	struct linger reset = {.l_onoff = 1, .l_linger = 0};
	if (parting == RESETS)
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	if (parting == SHUTS)
		shutdown(fd, SHUT_WR);
	if (parting == CLOSES || parting == RESETS)
		close(fd);
}

static void be_client(const struct sockaddr *name, socklen_t bytes, int orders, int answers,
		      enum parting parting)
{
	if (setgroups(2, other_groups) < 0 || setgid(GROUP) < 0 || setuid(USER) < 0)
		_exit(1);
	int fd = socket(name->sa_family, SOCK_STREAM, 0);
	if (connect(fd, name, bytes) < 0 || write(fd, "x", 1) != 1)
		_exit(2);
	char order;
	if (read(orders, &order, 1) != 1)
		_exit(0);
	part(fd, parting);
	if (write(answers, "x", 1) != 1)
		_exit(3);
	while (read(orders, &order, 1) > 0)
		;
	_exit(0);
}

static struct client start_client(int listener, const struct sockaddr *name, socklen_t bytes,
				  enum parting parting)
{
	int orders[2];
	int answers[2];
	if (pipe(orders) < 0 || pipe(answers) < 0)
		exit(1);
	int pid = fork();
	if (pid == 0) {
		close(orders[1]);
		be_client(name, bytes, orders[0], answers[1], parting);
	}
	close(orders[0]);
	close(answers[1]);
	return (struct client){.pid = pid,
			       .connection = accept(listener, NULL, NULL),
			       .tell = orders[1],
			       .told = answers[0]};
}

static void let_part(struct client *client)
{
	char answer;
	if (write(client->tell, "x", 1) != 1 || read(client->told, &answer, 1) != 1)
		check(0, "the client parts");
}

static void end_client(struct client *client)
{
	close(client->tell);
	close(client->told);
	close(client->connection);
	int status = -1;
	waitpid(client->pid, &status, 0);
	check(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the client did as told");
}

/* A listener on a loopback address, whose name and length are put into name and bytes. */
static int listen_at(const struct sockaddr *address, struct sockaddr_storage *name,
		     socklen_t *bytes)
{
	int fd = socket(address->sa_family, SOCK_STREAM, 0);
	if (bind(fd, address, *bytes) < 0 || listen(fd, 5) < 0)
		exit(1);
	*bytes = sizeof(*name);
	getsockname(fd, (struct sockaddr *)name, bytes);
	return fd;
}

static void test_tcp(const struct sockaddr *address, socklen_t bytes, const char *what)
{
	struct sockaddr_storage name;
	int listener = listen_at(address, &name, &bytes);
	struct client client = start_client(listener, (struct sockaddr *)&name, bytes, STAYS);
	uint32_t uid = 12345;
	check_equal((uint64_t)sys_tcp_peer_user(client.connection, &uid), 0, what);
	check_equal(uid, USER, "its user is who made the socket");
	end_client(&client);
	close(listener);
}

/* What its process has closed the kernel tells to be root's: nobody may be taken for root by it. */
static void test_parting(enum parting parting, const char *what)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct sockaddr_storage name;
	socklen_t bytes = sizeof(address);
	int listener = listen_at((struct sockaddr *)&address, &name, &bytes);
	struct client client = start_client(listener, (struct sockaddr *)&name, bytes, parting);
	let_part(&client);
	uint32_t uid = 12345;
	int result = sys_tcp_peer_user(client.connection, &uid);
	check(result == -ENOENT || result == -ENOTCONN || result == -ESTALE, "%s: refused (%d)",
	      what, result);
	check_equal(uid, 12345, "and no user is told");
	end_client(&client);
	close(listener);
}

/* A socket of IPv6 that was connected to an IPv4 address, and taken by a listener for both. */
static void test_mapped(void)
{
	struct sockaddr_in6 any = {.sin6_family = AF_INET6};
	struct sockaddr_storage name;
	socklen_t bytes = sizeof(any);
	int listener = listen_at((struct sockaddr *)&any, &name, &bytes);
	struct sockaddr_in ipv4 = {.sin_family = AF_INET,
				   .sin_port = ((struct sockaddr_in6 *)&name)->sin6_port,
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct client client =
		start_client(listener, (struct sockaddr *)&ipv4, sizeof(ipv4), STAYS);
	uint32_t uid = 0;
	check_equal((uint64_t)sys_tcp_peer_user(client.connection, &uid), 0, "IPv4 at [::]");
	check_equal(uid, USER, "its user");
	end_client(&client);
	struct sockaddr_in6 mapped = {.sin6_family = AF_INET6, .sin6_port = ipv4.sin_port};
	inet_pton(AF_INET6, "::ffff:127.0.0.1", &mapped.sin6_addr);
	client = start_client(listener, (struct sockaddr *)&mapped, sizeof(mapped), STAYS);
	uid = 0;
	check_equal((uint64_t)sys_tcp_peer_user(client.connection, &uid), 0, "mapped at [::]");
	check_equal(uid, USER, "its user");
	end_client(&client);
	close(listener);
}

static void test_unix(void)
{
	/* An abstract name: nothing is left of it. */
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	socklen_t bytes =
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
			    (size_t)snprintf(address.sun_path + 1, 64, "floxy-test-%d", getpid()));
	int listener = socket(AF_UNIX, SOCK_STREAM, 0);
	if (bind(listener, (struct sockaddr *)&address, bytes) < 0 || listen(listener, 5) < 0)
		exit(1);
	struct client client = start_client(listener, (struct sockaddr *)&address, bytes, CLOSES);
	struct sys_peer peer = {0};
	check_equal((uint64_t)sys_unix_peer(client.connection, &peer), 0, "a unix socket");
	check_equal(peer.pid, (uint64_t)client.pid, "its process");
	check_equal(peer.uid, USER, "its user");
	check_equal(peer.gid, GROUP, "its group");
	uint32_t groups[4] = {0};
	check_equal((uint64_t)sys_unix_peer_groups(client.connection, groups, 4), 2, "its groups");
	check(groups[0] == 47112 && groups[1] == 47113, "they are those it was given");
	check(sys_unix_peer_groups(client.connection, groups, 1) == -ERANGE, "no room for them");
	let_part(&client);
	peer = (struct sys_peer){0};
	check_equal((uint64_t)sys_unix_peer(client.connection, &peer), 0, "a closed unix socket");
	check_equal(peer.uid, USER, "is still its user's");
	uint32_t uid = 0;
	check(sys_tcp_peer_user(client.connection, &uid) == -EAFNOSUPPORT, "is not TCP");
	end_client(&client);
	close(listener);
	int unconnected = socket(AF_UNIX, SOCK_STREAM, 0);
	check(sys_unix_peer(unconnected, &peer) == -ENOTCONN, "nobody is at the other end");
	close(unconnected);
	int internet = socket(AF_INET, SOCK_STREAM, 0);
	check(sys_unix_peer(internet, &peer) == -EOPNOTSUPP, "TCP is no unix socket");
	check(sys_tcp_peer_user(internet, &uid) < 0, "and not connected either");
	close(internet);
}

int main(void)
{
	tap_need_root();
	struct sockaddr_in loopback4 = {.sin_family = AF_INET,
					.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct sockaddr_in6 loopback6 = {.sin6_family = AF_INET6, .sin6_addr = in6addr_loopback};
	test_tcp((struct sockaddr *)&loopback4, sizeof(loopback4), "IPv4");
	test_tcp((struct sockaddr *)&loopback6, sizeof(loopback6), "IPv6");
	test_mapped();
	test_parting(CLOSES, "a client that has closed");
	test_parting(RESETS, "one that has reset the connection");
	test_parting(SHUTS, "one that writes no more");
	test_unix();
	return tap_done();
}
