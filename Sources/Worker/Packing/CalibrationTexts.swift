import LinuxSystem
import ModelFiles

/// The texts that variants are compared on.
enum CalibrationTexts {
    /// A file's texts, one per line. Empty lines are passed over, and what comes after the first thousand.
    static func read(_ path: String) throws(ModelFilesError) -> [String] {
        let contents: String
        do {
            contents = try FileContents.readText(path, limit: 16 << 20, regularOnly: true)
        } catch {
            throw ModelFilesError(.unreadableFile, file: path, "quality.calibration_file: \(error)")
        }
        let lines = contents.split(whereSeparator: \.isNewline).map(String.init)
        let texts = lines.filter { line in line.contains { !$0.isWhitespace } && !line.utf8.contains(0) }.prefix(1000)
        guard !texts.isEmpty else {
            throw ModelFilesError(.invalidConfiguration, file: path, "quality.calibration_file: it holds no text")
        }
        return Array(texts)
    }

    /// Short messages, reviews, questions, commands, news and a few odd ones: what services are asked about.
    static let builtIn = [
        "The battery died after two weeks, and nobody answered my mails.",
        "Works exactly as described. Would buy again!",
        "Is there a direct train from Lyon to Turin on Sundays?",
        "The committee postponed its decision on interest rates until the end of the quarter.",
        "lol that's the funniest thing I've seen all day 😂",
        "Please transfer 250 euros to my savings account tomorrow morning.",
        "Scientists at the observatory in Chile have found water vapour around a distant planet.",
        "I can't log in since the update; it says my password has expired.",
        "You are an idiot and everybody knows it.",
        "Congratulations! You have won a prize. Click here to claim it before midnight.",
        "Set an alarm for half past six.",
        "The film starts slowly, but its last hour is among the best of the year.",
        "Die Lieferung kam drei Tage zu spät, der Karton war aufgerissen.",
        "Angela Merkel was born in Hamburg and studied physics in Leipzig.",
        "Shares of the carmaker fell 4.2 % after it recalled 38,000 vehicles.",
        "What time does the pharmacy on Main Street close?",
        "The soup was cold, the waiter rude, and the bill wrong.",
        "He scored twice in the last ten minutes to win the cup for the home side.",
        "Remind me to call Dr. Okafor about the test results.",
        "The defendant shall pay the costs of the proceedings within thirty days.",
        "Absolutely love these headphones, the sound is warm and clear.",
        "How do I reset the router to its factory settings?",
        "Heavy rain and gusts of up to 90 km/h are expected along the coast tonight.",
        "Le chat dort sur le canapé depuis ce matin.",
        "My parcel shows as delivered, but it is not here. Order 48-77120.",
        "The new law makes it harder for landlords to raise rents.",
        "Play some quiet piano music in the kitchen.",
        "It's okay I guess. Not great, not terrible.",
        "The patient reported a dull pain in the left shoulder after exercise.",
        "Turn off all lights downstairs and lock the front door.",
        "Two people were hurt when a bus left the road near Zürich on Friday.",
        "Can I change the delivery address of an order that was already shipped?",
        "fn main() { println!(\"hello\"); }",
        "The museum is closed on Mondays and on the first of January.",
        "Why would anyone pay that much for a phone without a charger?",
        "Researchers trained the network on 1.2 million photographs of birds.",
        "I'd like a table for four at eight, near the window if possible.",
        "The company denied reports that it was in talks to buy its rival.",
        "東京は今日も雨です。",
        "Ok",
        "This update is a disgrace: it crashes every time I open a file.",
        "A brisk walk of twenty minutes a day lowers the risk of heart disease, the study says.",
        "Cancel my subscription and refund the last payment.",
        "The orchestra played Dvořák's ninth symphony to a full house.",
        "what r u doing tonite? wanna grab pizza",
        "Under the treaty, both countries will cut emissions by a third before 2035.",
        "Our flight was delayed by five hours and we missed the connection in Madrid.",
        "Great service, friendly staff, and the room had a view of the lake.",
        "The function returns nil when the key is not in the dictionary.",
        "She moved to Nairobi in 1998 and founded a school for girls.",
        "Never again. Dirty rooms, loud neighbours, no hot water.",
        "Which of these plans includes calls to other countries?",
        "The goalkeeper was sent off after eleven minutes, and the match ended 0:5.",
        "Oil prices rose for a third day as stocks in the United States shrank.",
        "Thanks a lot, that solved it!",
        "I feel nothing will ever get better, and I don't know whom to talk to.",
        "The recipe calls for two cups of flour, a pinch of salt and three eggs.",
        "Translate 'good evening' into Portuguese.",
        "An unknown man has been seen trying car doors in our street.",
        "The prime minister will meet the president in Geneva next week.",
        "Sound is awful. Returned it the same day.",
        "How many people live in Iceland?",
        "For sale: a bicycle, hardly used, with lights and a lock, 120 or best offer.",
        "Version 3.1 fixes a leak of file descriptors under heavy load and speeds up the start.",
    ]
}
