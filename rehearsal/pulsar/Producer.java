import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.apache.pulsar.client.api.AuthenticationFactory;
import org.apache.pulsar.client.api.PulsarClient;
import org.apache.pulsar.client.api.Schema;

/**
 * Sends 0, 1, 2, ... to a topic until its standard input has a line, and prints each number once it is acknowledged. Its token comes from a file,
 * which is read again for each connection. With a file of trusted certificates, it also receives the messages, prints "received" and the
 * number, and ends when it has received all of them, or after a minute. A send that fails is printed as "failed" and the number.
 */
class Producer {
    public static void main(String[] args) throws Exception {
        var token = Path.of(args[2]);
        var builder = PulsarClient.builder()
            .serviceUrl(args[0])
            .authentication(AuthenticationFactory.token(() -> read(token)));
        if (args.length > 3) {
            builder.tlsTrustCertsFilePath(args[3]).enableTlsHostnameVerification(true)
                // By default, it reads the file again after 5 minutes, and waits up to a minute between two attempts.
                .autoCertRefreshSeconds(1).maxBackoffInterval(1, TimeUnit.SECONDS);
        }
        try (var client = builder.build();
            // As applications do that must not lose a message: it is sent again for as long as it takes.
            var producer = client.newProducer(Schema.STRING).topic(args[1])
                .sendTimeout(0, TimeUnit.SECONDS).blockIfQueueFull(true)
                // Each message is an entry of its own, which the topic's statistics count.
                .enableBatching(false).create()) {
            var received = ConcurrentHashMap.<String>newKeySet();
            if (args.length > 3) {
                client.newConsumer(Schema.STRING).topic(args[1]).subscriptionName("running")
                    .messageListener((consumer, message) -> {
                        received.add(message.getValue());
                        System.out.println("received " + message.getValue());
                        consumer.acknowledgeAsync(message);
                    }).subscribe();
            }
            int next = 0;
            while (System.in.available() == 0) {
                int number = next++;
                producer.sendAsync(String.valueOf(number)).whenComplete((id, fault) ->
                    System.out.println(fault == null ? number : "failed " + number + ": " + fault));
                Thread.sleep(20);
            }
            producer.flush();
            // The consumer may be behind, by more after a restart.
            for (int rounds = 0; args.length > 3 && received.size() < next && rounds < 600; rounds++) Thread.sleep(100);
        }
    }

    static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }
}
